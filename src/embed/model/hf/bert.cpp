// BERT and RoBERTa as transformers has them: transformers/models/{bert,roberta,xlm_roberta}; what GGUF
// calls it: llama.cpp, conversion/bert.py and gguf-py/gguf/tensor_mapping.py.

#include <array>

#include "base/text.hpp"
#include "embed/model/hf/common_sizes.hpp"

namespace runed::embed::hf {
namespace {

using namespace size;

constexpr NameRow kTokens{"embeddings.word_embeddings.weight", "token_embd.weight", kVocabulary,
                          kWidth};
constexpr NameRow kPositions{"embeddings.position_embeddings.weight", "position_embd.weight",
                             kPositionRows, kWidth};
constexpr NameRow kTokenTypes{"embeddings.token_type_embeddings.weight", "token_types.weight",
                              kTypes, kWidth};
constexpr NameRow kNorm{"embeddings.LayerNorm.weight", "token_embd_norm.weight", nullptr, kWidth};
constexpr NameRow kNormBias{"embeddings.LayerNorm.bias", "token_embd_norm.bias", nullptr, kWidth};

constexpr NameRow without_padding(NameRow row) {
  row.change = Change::without_padding;
  return row;
}

constexpr std::array kBertRows{kTokens, kPositions, kTokenTypes, kNorm, kNormBias};
constexpr std::array kRobertaRows{kTokens, without_padding(kPositions), kTokenTypes, kNorm,
                                  kNormBias};

constexpr std::array kLayerRows{
    NameRow{"attention.self.query.weight", "attn_q.weight", kWidth, kWidth},
    NameRow{"attention.self.query.bias", "attn_q.bias", nullptr, kWidth},
    NameRow{"attention.self.key.weight", "attn_k.weight", kWidth, kWidth},
    NameRow{"attention.self.key.bias", "attn_k.bias", nullptr, kWidth},
    NameRow{"attention.self.value.weight", "attn_v.weight", kWidth, kWidth},
    NameRow{"attention.self.value.bias", "attn_v.bias", nullptr, kWidth},
    NameRow{"attention.output.dense.weight", "attn_output.weight", kWidth, kWidth},
    NameRow{"attention.output.dense.bias", "attn_output.bias", nullptr, kWidth},
    NameRow{"attention.output.LayerNorm.weight", "attn_output_norm.weight", nullptr, kWidth},
    NameRow{"attention.output.LayerNorm.bias", "attn_output_norm.bias", nullptr, kWidth},
    NameRow{"intermediate.dense.weight", "ffn_up.weight", kFf, kWidth},
    NameRow{"intermediate.dense.bias", "ffn_up.bias", nullptr, kFf},
    NameRow{"output.dense.weight", "ffn_down.weight", kWidth, kFf},
    NameRow{"output.dense.bias", "ffn_down.bias", nullptr, kWidth},
    NameRow{"output.LayerNorm.weight", "layer_output_norm.weight", nullptr, kWidth},
    NameRow{"output.LayerNorm.bias", "layer_output_norm.bias", nullptr, kWidth},
};

constexpr std::array<std::string_view, 3> kBertClasses{"BertModel", "BertForMaskedLM",
                                                       "BertForPreTraining"};
constexpr std::array<std::string_view, 2> kRobertaClasses{"RobertaModel", "RobertaForMaskedLM"};
constexpr std::array<std::string_view, 2> kXlmRobertaClasses{"XLMRobertaModel",
                                                             "XLMRobertaForMaskedLM"};
constexpr std::array<std::string_view, 2> kCamembertClasses{"CamembertModel",
                                                            "CamembertForMaskedLM"};
// The pooler's tanh layer, the heads of the training, and a buffer that counts from 0.
constexpr std::array<std::string_view, 4> kUnused{"pooler.", "cls.", "lm_head.",
                                                  "embeddings.position_ids"};

void add_epsilon_and_types(const ConfigReader& config, double epsilon, const ModelSizes& sizes) {
  config.add("attention.layer_norm_epsilon", static_cast<float>(epsilon));
  config.add("attention.causal", false);
  config.metadata().add("tokenizer.ggml.token_type_count", sizes.types);
}

Result<ModelSizes> read_bert(const ConfigReader& config) {
  TRY_ASSIGN(ModelSizes sizes, read_encoder_sizes(config));
  TRY_ASSIGN(sizes.types, config.get_size({"type_vocab_size"}));
  TRY_ASSIGN(const double epsilon, config.get_number_or({"layer_norm_eps"}, 1e-12));
  add_sizes(config, sizes);
  add_epsilon_and_types(config, epsilon, sizes);
  return sizes;
}

// The position of a token is its number in the text behind that of padding.
Result<ModelSizes> read_roberta(const ConfigReader& config) {
  TRY_ASSIGN(ModelSizes sizes, read_encoder_sizes(config));
  TRY_ASSIGN(sizes.types, config.get_size({"type_vocab_size"}));
  TRY_ASSIGN(const double padding, config.get_number_or({"pad_token_id"}, 1));
  TRY_ASSIGN(const double epsilon, config.get_number_or({"layer_norm_eps"}, 1e-12));
  if (!(padding >= 0) || padding + 1 >= sizes.positions) {
    return damaged(fmt::format("{} is {}, and there are {} positions",
                               config.config().place_of("pad_token_id"), padding, sizes.positions));
  }
  sizes.padding_rows = static_cast<uint32_t>(padding) + 1;
  sizes.positions -= sizes.padding_rows;
  add_sizes(config, sizes);
  add_epsilon_and_types(config, epsilon, sizes);
  return sizes;
}

constexpr HfArchitecture roberta_like(std::string_view model_type,
                                      std::span<const std::string_view> classes) {
  return {.model_type = model_type,
          .classes = classes,
          .gguf = "bert",
          .prefix = "roberta.",
          .layers = "encoder.layer.",
          .tensors = kRobertaRows,
          .layer_tensors = kLayerRows,
          .unused = kUnused,
          .read_config = read_roberta};
}

}  // namespace

const HfArchitecture kBert{
    .model_type = "bert",
    .classes = kBertClasses,
    .gguf = "bert",
    .prefix = "bert.",
    .layers = "encoder.layer.",
    .tensors = kBertRows,
    .layer_tensors = kLayerRows,
    .unused = kUnused,
    .read_config = read_bert,
};
const HfArchitecture kRoberta = roberta_like("roberta", kRobertaClasses);
const HfArchitecture kXlmRoberta = roberta_like("xlm-roberta", kXlmRobertaClasses);
const HfArchitecture kCamembert = roberta_like("camembert", kCamembertClasses);

}  // namespace runed::embed::hf
