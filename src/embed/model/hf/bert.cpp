// BERT as transformers has it: transformers/models/bert, configuration_bert.py and modeling_bert.py;
// what GGUF calls it: llama.cpp, conversion/bert.py and gguf-py/gguf/tensor_mapping.py.

#include <array>

#include "base/text.hpp"
#include "embed/model/hf/hf_architecture.hpp"

namespace runed::embed::hf {
namespace {

using Sizes = ModelSizes;

constexpr std::array kTensors{
    NameRow{"embeddings.word_embeddings.weight", "token_embd.weight", &Sizes::vocabulary,
            &Sizes::width},
    NameRow{"embeddings.position_embeddings.weight", "position_embd.weight", &Sizes::positions,
            &Sizes::width},
    NameRow{"embeddings.token_type_embeddings.weight", "token_types.weight", &Sizes::types,
            &Sizes::width},
    NameRow{"embeddings.LayerNorm.weight", "token_embd_norm.weight", nullptr, &Sizes::width},
    NameRow{"embeddings.LayerNorm.bias", "token_embd_norm.bias", nullptr, &Sizes::width},
};
constexpr std::array kLayerTensors{
    NameRow{"attention.self.query.weight", "attn_q.weight", &Sizes::width, &Sizes::width},
    NameRow{"attention.self.query.bias", "attn_q.bias", nullptr, &Sizes::width},
    NameRow{"attention.self.key.weight", "attn_k.weight", &Sizes::width, &Sizes::width},
    NameRow{"attention.self.key.bias", "attn_k.bias", nullptr, &Sizes::width},
    NameRow{"attention.self.value.weight", "attn_v.weight", &Sizes::width, &Sizes::width},
    NameRow{"attention.self.value.bias", "attn_v.bias", nullptr, &Sizes::width},
    NameRow{"attention.output.dense.weight", "attn_output.weight", &Sizes::width, &Sizes::width},
    NameRow{"attention.output.dense.bias", "attn_output.bias", nullptr, &Sizes::width},
    NameRow{"attention.output.LayerNorm.weight", "attn_output_norm.weight", nullptr, &Sizes::width},
    NameRow{"attention.output.LayerNorm.bias", "attn_output_norm.bias", nullptr, &Sizes::width},
    NameRow{"intermediate.dense.weight", "ffn_up.weight", &Sizes::ff_width, &Sizes::width},
    NameRow{"intermediate.dense.bias", "ffn_up.bias", nullptr, &Sizes::ff_width},
    NameRow{"output.dense.weight", "ffn_down.weight", &Sizes::width, &Sizes::ff_width},
    NameRow{"output.dense.bias", "ffn_down.bias", nullptr, &Sizes::width},
    NameRow{"output.LayerNorm.weight", "layer_output_norm.weight", nullptr, &Sizes::width},
    NameRow{"output.LayerNorm.bias", "layer_output_norm.bias", nullptr, &Sizes::width},
};

constexpr std::array<std::string_view, 3> kClasses{"BertModel", "BertForMaskedLM",
                                                   "BertForPreTraining"};
// The pooler's tanh layer, the head of the training, and a buffer that counts from 0.
constexpr std::array<std::string_view, 3> kUnused{"pooler.", "cls.", "embeddings.position_ids"};

Status expect_text(const Fields& config, std::string_view key, std::string_view expected) {
  TRY_ASSIGN(const auto found, config.find_text(key));
  if (found.value_or(std::string(expected)) == expected) return {};
  return not_served(fmt::format("{} is '{}', and only '{}' is served", config.place_of(key),
                                printable(*found), expected));
}

Status expect_no(const Fields& config, std::string_view key) {
  TRY_ASSIGN(const auto found, config.find_flag(key));
  if (!found.value_or(false)) return {};
  return not_served(fmt::format("{} is true, which is not served", config.place_of(key)));
}

// What would change the arithmetic.
Status check_config(const Fields& config) {
  TRY(expect_text(config, "position_embedding_type", "absolute"));
  TRY(expect_text(config, "hidden_act", "gelu"));
  TRY(expect_no(config, "is_decoder"));
  TRY(expect_no(config, "add_cross_attention"));
  if (!config.has("quantization_config")) return {};
  return not_served(fmt::format("{} is there: its weights are not plain numbers",
                                config.place_of("quantization_config")),
                    "use the directory of the model that it was made of");
}

Result<ModelSizes> read_config(const Fields& config, GgufMetadata& metadata) {
  TRY(check_config(config));
  ModelSizes sizes;
  TRY_ASSIGN(sizes.vocabulary, config.get_size("vocab_size"));
  TRY_ASSIGN(sizes.width, config.get_size("hidden_size"));
  TRY_ASSIGN(sizes.ff_width, config.get_size("intermediate_size"));
  TRY_ASSIGN(sizes.layers, config.get_size("num_hidden_layers"));
  TRY_ASSIGN(sizes.positions, config.get_size("max_position_embeddings"));
  TRY_ASSIGN(sizes.types, config.get_size("type_vocab_size"));
  TRY_ASSIGN(const uint32_t heads, config.get_size("num_attention_heads"));
  TRY_ASSIGN(const auto epsilon, config.find_number("layer_norm_eps"));
  if (sizes.width % heads != 0) {
    return damaged(fmt::format("{} is {}, which {} heads do not divide",
                               config.place_of("hidden_size"), sizes.width, heads));
  }
  metadata.add("bert.block_count", sizes.layers);
  metadata.add("bert.context_length", sizes.positions);
  metadata.add("bert.embedding_length", sizes.width);
  metadata.add("bert.feed_forward_length", sizes.ff_width);
  metadata.add("bert.attention.head_count", heads);
  metadata.add("bert.attention.layer_norm_epsilon", static_cast<float>(epsilon.value_or(1e-12)));
  metadata.add("bert.attention.causal", false);
  metadata.add("tokenizer.ggml.token_type_count", sizes.types);
  return sizes;
}

}  // namespace

const HfArchitecture kBert{
    .model_type = "bert",
    .classes = kClasses,
    .gguf = "bert",
    .prefix = "bert.",
    .layers = "encoder.layer.",
    .tensors = kTensors,
    .layer_tensors = kLayerTensors,
    .unused = kUnused,
    .read_config = read_config,
};

}  // namespace runed::embed::hf
