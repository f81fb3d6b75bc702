// ModernBERT as transformers has it, in the keys of versions 4 and 5: transformers/models/modernbert;
// what GGUF calls it: llama.cpp, conversion/bert.py.

#include <array>

#include "embed/model/hf/common_sizes.hpp"

namespace runed::embed::hf {
namespace {

using namespace size;

constexpr std::array kTensors{
    NameRow{"embeddings.tok_embeddings.weight", "token_embd.weight", kVocabulary, kWidth},
    NameRow{"embeddings.norm.weight", "token_embd_norm.weight", nullptr, kWidth},
    NameRow{"final_norm.weight", "output_norm.weight", nullptr, kWidth},
};
constexpr std::array kLayerTensors{
    NameRow{"attn_norm.weight", "attn_norm.weight", nullptr, kWidth, Needed::not_of_first},
    NameRow{"attn.Wqkv.weight", "attn_qkv.weight", kQkv, kWidth},
    NameRow{"attn.Wo.weight", "attn_output.weight", kWidth, kWidth},
    NameRow{"mlp_norm.weight", "ffn_norm.weight", nullptr, kWidth},
    NameRow{"mlp.Wi.weight", "ffn_up.weight", kTwiceFf, kWidth},
    NameRow{"mlp.Wo.weight", "ffn_down.weight", kWidth, kFf},
};

constexpr std::array<std::string_view, 2> kClasses{"ModernBertModel", "ModernBertForMaskedLM"};
constexpr std::array<std::string_view, 2> kUnused{"head.", "decoder."};

struct Layers {
  uint32_t period = 0;
  double global_base = 0;
  double local_base = 0;
};

Result<Layers> read_layers(const ConfigReader& config, uint32_t count) {
  Layers layers;
  TRY_ASSIGN(layers.period, config.get_size_or({"global_attn_every_n_layers"}, 3));
  TRY_ASSIGN(const auto listed, read_layer_types(config, count));
  if (listed) {
    if (listed->first != 0) {
      return not_served(fmt::format("{} begins with a layer that does not see all tokens",
                                    config.config().place_of("layer_types")));
    }
    layers.period = listed->period;
  }
  TRY_ASSIGN(layers.global_base,
             config.get_rope_base({"global_rope_theta"}, "full_attention", 160000));
  TRY_ASSIGN(layers.local_base,
             config.get_rope_base({"local_rope_theta"}, "sliding_attention", 10000));
  return layers;
}

Result<ModelSizes> read_config(const ConfigReader& config) {
  TRY(config.expect_off({"norm_bias", "attention_bias", "mlp_bias"}));
  TRY(config.expect_plain_weights());
  ModelSizes sizes;
  TRY_ASSIGN(sizes.vocabulary, config.get_size({"vocab_size"}));
  TRY_ASSIGN(sizes.width, config.get_size({"hidden_size"}));
  TRY_ASSIGN(sizes.ff_width, config.get_size({"intermediate_size"}));
  TRY_ASSIGN(sizes.layers, config.get_size({"num_hidden_layers"}));
  TRY_ASSIGN(sizes.heads, config.get_size({"num_attention_heads"}));
  TRY_ASSIGN(sizes.positions, config.get_size({"max_position_embeddings"}));
  TRY_ASSIGN(const uint32_t window, config.get_size_or({"local_attention"}, 128));
  TRY_ASSIGN(const Layers layers, read_layers(config, sizes.layers));
  TRY_ASSIGN(const double epsilon, config.get_number_or({"norm_eps"}, 1e-5));
  TRY_ASSIGN(const std::string activation, config.get_text_or({"hidden_activation"}, "gelu"));
  TRY(divide_heads(config, sizes));
  add_sizes(config, sizes);
  config.add("rope.freq_base", static_cast<float>(layers.global_base));
  config.add("rope.freq_base_swa", static_cast<float>(layers.local_base));
  config.add("attention.layer_norm_epsilon", static_cast<float>(epsilon));
  config.add("attention.causal", false);
  config.add("attention.sliding_window", window);
  config.add("attention.sliding_window_pattern", layers.period);
  config.add("hidden_activation", std::string_view(activation));
  return sizes;
}

}  // namespace

const HfArchitecture kModernBert{
    .model_type = "modernbert",
    .classes = kClasses,
    .gguf = "modern-bert",
    .prefix = "model.",
    .layers = "layers.",
    .tensors = kTensors,
    .layer_tensors = kLayerTensors,
    .unused = kUnused,
    .read_config = read_config,
};

}  // namespace runed::embed::hf
