// DistilBERT as transformers has it: transformers/models/distilbert.

#include <array>

#include "embed/model/hf/common_sizes.hpp"

namespace runed::embed::hf {
namespace {

using namespace size;

constexpr std::array kTensors{
    NameRow{"embeddings.word_embeddings.weight", "token_embd.weight", kVocabulary, kWidth},
    NameRow{"embeddings.position_embeddings.weight", "position_embd.weight", kPositionRows, kWidth},
    NameRow{"embeddings.LayerNorm.weight", "token_embd_norm.weight", nullptr, kWidth},
    NameRow{"embeddings.LayerNorm.bias", "token_embd_norm.bias", nullptr, kWidth},
};
constexpr std::array kLayerTensors{
    NameRow{"attention.q_lin.weight", "attn_q.weight", kWidth, kWidth},
    NameRow{"attention.q_lin.bias", "attn_q.bias", nullptr, kWidth},
    NameRow{"attention.k_lin.weight", "attn_k.weight", kWidth, kWidth},
    NameRow{"attention.k_lin.bias", "attn_k.bias", nullptr, kWidth},
    NameRow{"attention.v_lin.weight", "attn_v.weight", kWidth, kWidth},
    NameRow{"attention.v_lin.bias", "attn_v.bias", nullptr, kWidth},
    NameRow{"attention.out_lin.weight", "attn_output.weight", kWidth, kWidth},
    NameRow{"attention.out_lin.bias", "attn_output.bias", nullptr, kWidth},
    NameRow{"sa_layer_norm.weight", "attn_output_norm.weight", nullptr, kWidth},
    NameRow{"sa_layer_norm.bias", "attn_output_norm.bias", nullptr, kWidth},
    NameRow{"ffn.lin1.weight", "ffn_up.weight", kFf, kWidth},
    NameRow{"ffn.lin1.bias", "ffn_up.bias", nullptr, kFf},
    NameRow{"ffn.lin2.weight", "ffn_down.weight", kWidth, kFf},
    NameRow{"ffn.lin2.bias", "ffn_down.bias", nullptr, kWidth},
    NameRow{"output_layer_norm.weight", "layer_output_norm.weight", nullptr, kWidth},
    NameRow{"output_layer_norm.bias", "layer_output_norm.bias", nullptr, kWidth},
};

constexpr std::array<std::string_view, 2> kClasses{"DistilBertModel", "DistilBertForMaskedLM"};
constexpr std::array<std::string_view, 4> kUnused{"embeddings.position_ids", "vocab_transform.",
                                                  "vocab_layer_norm.", "vocab_projector."};

constexpr float kEpsilon = 1e-12F;  // Of its code, not of config.json.

Result<ModelSizes> read_config(const ConfigReader& config) {
  TRY(config.expect("activation", "gelu"));
  TRY(config.expect_plain_weights());
  ModelSizes sizes;
  TRY_ASSIGN(sizes.vocabulary, config.get_size({"vocab_size"}));
  TRY_ASSIGN(sizes.width, config.get_size({"dim", "hidden_size"}));
  TRY_ASSIGN(sizes.ff_width, config.get_size({"hidden_dim", "intermediate_size"}));
  TRY_ASSIGN(sizes.layers, config.get_size({"n_layers", "num_hidden_layers"}));
  TRY_ASSIGN(sizes.positions, config.get_size({"max_position_embeddings"}));
  TRY_ASSIGN(sizes.heads, config.get_size({"n_heads", "num_attention_heads"}));
  TRY(divide_heads(config, sizes));
  add_sizes(config, sizes);
  config.add("attention.layer_norm_epsilon", kEpsilon);
  config.add("attention.causal", false);
  return sizes;
}

}  // namespace

const HfArchitecture kDistilBert{
    .model_type = "distilbert",
    .classes = kClasses,
    .gguf = "bert",
    .prefix = "distilbert.",
    .layers = "transformer.layer.",
    .tensors = kTensors,
    .layer_tensors = kLayerTensors,
    .unused = kUnused,
    .read_config = read_config,
};

}  // namespace runed::embed::hf
