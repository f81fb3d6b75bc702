// EmbeddingGemma, a Gemma 3 for texts without a mask: transformers/models/gemma3; what GGUF calls it:
// llama.cpp, conversion/gemma.py.

#include <array>

#include "embed/model/hf/common_sizes.hpp"

namespace runed::embed::hf {
namespace {

using namespace size;

constexpr NameRow norm(std::string_view name, std::string_view gguf, SizeOf width) {
  return {name, gguf, nullptr, width, Needed::always, Change::plus_one};
}

constexpr std::array kTensors{
    NameRow{"embed_tokens.weight", "token_embd.weight", kVocabulary, kWidth},
    norm("norm.weight", "output_norm.weight", kWidth),
};
constexpr std::array kLayerTensors{
    norm("input_layernorm.weight", "attn_norm.weight", kWidth),
    NameRow{"self_attn.q_proj.weight", "attn_q.weight", kQuery, kWidth},
    NameRow{"self_attn.k_proj.weight", "attn_k.weight", kKey, kWidth},
    NameRow{"self_attn.v_proj.weight", "attn_v.weight", kKey, kWidth},
    norm("self_attn.q_norm.weight", "attn_q_norm.weight", kHead),
    norm("self_attn.k_norm.weight", "attn_k_norm.weight", kHead),
    NameRow{"self_attn.o_proj.weight", "attn_output.weight", kWidth, kQuery},
    norm("post_attention_layernorm.weight", "post_attention_norm.weight", kWidth),
    norm("pre_feedforward_layernorm.weight", "ffn_norm.weight", kWidth),
    NameRow{"mlp.gate_proj.weight", "ffn_gate.weight", kFf, kWidth},
    NameRow{"mlp.up_proj.weight", "ffn_up.weight", kFf, kWidth},
    NameRow{"mlp.down_proj.weight", "ffn_down.weight", kWidth, kFf},
    norm("post_feedforward_layernorm.weight", "post_ffw_norm.weight", kWidth),
};

constexpr std::array<std::string_view, 1> kClasses{"Gemma3TextModel"};
constexpr std::array<std::string_view, 1> kUnused{"lm_head."};

// Without that it is a language model, which sees nothing that comes later.
Status check(const ConfigReader& config, const ModelSizes& sizes) {
  constexpr std::string_view kSeesAll = "use_bidirectional_attention";
  TRY_ASSIGN(const auto sees_all, config.config().find_flag(kSeesAll));
  if (!sees_all.value_or(false)) {
    return not_served(
        fmt::format("{} is not true: it is no embedding model", config.config().place_of(kSeesAll)),
        "name the directory of an embedding model");
  }
  TRY(config.expect("hidden_activation", "gelu_pytorch_tanh"));
  TRY(config.expect("query_pre_attn_scalar", static_cast<double>(sizes.head_width)));
  TRY(config.expect_none({"attn_logit_softcapping", "final_logit_softcapping"}));
  TRY(config.expect_off({"attention_bias"}));
  return config.expect_plain_weights();
}

Status add_layers(const ConfigReader& config, uint32_t layers) {
  TRY_ASSIGN(const uint32_t window, config.get_size({"sliding_window"}));
  TRY_ASSIGN(uint32_t period,
             config.get_size_or({"_sliding_window_pattern", "sliding_window_pattern"}, 6));
  TRY_ASSIGN(const auto listed, read_layer_types(config, layers));
  if (listed) {
    if (listed->first != listed->period - 1 && listed->first != period - 1) {
      return not_served(fmt::format("{} has not the last layer of each period see all tokens",
                                    config.config().place_of("layer_types")));
    }
    period = listed->first + 1;
  }
  TRY_ASSIGN(const double global_base, config.get_rope_base({"rope_theta"}, "full_attention", 1e6));
  TRY_ASSIGN(const double local_base,
             config.get_rope_base({"rope_local_base_freq"}, "sliding_attention", 1e4));
  config.add("rope.freq_base", static_cast<float>(global_base));
  config.add("rope.freq_base_swa", static_cast<float>(local_base));
  config.add("attention.sliding_window", window);
  if (period != 6) config.add("attention.sliding_window_pattern", period);
  return {};
}

Result<ModelSizes> read_config(const ConfigReader& config) {
  TRY_ASSIGN(const ModelSizes sizes, read_decoder_sizes(config));
  TRY_ASSIGN(const double epsilon, config.get_number_or({"rms_norm_eps"}, 1e-6));
  TRY(check(config, sizes));
  add_sizes(config, sizes);
  config.add("attention.head_count_kv", sizes.kv_heads);
  config.add("attention.layer_norm_rms_epsilon", static_cast<float>(epsilon));
  config.add("attention.key_length", sizes.head_width);
  config.add("attention.value_length", sizes.head_width);
  TRY(add_layers(config, sizes.layers));
  return sizes;
}

}  // namespace

const HfArchitecture kGemma{
    .model_type = "gemma3_text",
    .classes = kClasses,
    .gguf = "gemma-embedding",
    .prefix = "model.",
    .layers = "layers.",
    .tensors = kTensors,
    .layer_tensors = kLayerTensors,
    .unused = kUnused,
    .read_config = read_config,
};

}  // namespace runed::embed::hf
