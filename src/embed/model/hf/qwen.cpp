// Qwen2 and Qwen3 as transformers has them: transformers/models/{qwen2,qwen3}; what GGUF calls it:
// llama.cpp, conversion/qwen.py.

#include <array>

#include "embed/model/hf/common_sizes.hpp"
#include "embed/model/hf/decoder_rows.hpp"

namespace runed::embed::hf {
namespace {

constexpr std::array kQwen2Layer{decoder::kAttentionNorm, decoder::kQuery,   decoder::kQueryBias,
                                 decoder::kKey,           decoder::kKeyBias, decoder::kValue,
                                 decoder::kValueBias,     decoder::kOutput,  decoder::kFfNorm,
                                 decoder::kGate,          decoder::kUp,      decoder::kDown};
constexpr std::array kQwen3Layer{
    decoder::kAttentionNorm, decoder::kQuery,   decoder::kKey,    decoder::kValue,
    decoder::kQueryNorm,     decoder::kKeyNorm, decoder::kOutput, decoder::kFfNorm,
    decoder::kGate,          decoder::kUp,      decoder::kDown};

constexpr std::array<std::string_view, 2> kQwen2Classes{"Qwen2Model", "Qwen2ForCausalLM"};
constexpr std::array<std::string_view, 2> kQwen3Classes{"Qwen3Model", "Qwen3ForCausalLM"};
// Of the language model that it was made from.
constexpr std::array<std::string_view, 1> kUnused{"lm_head."};

// The published code of gte-Qwen2 has its tokens see each other where config.json says so.
Status add_mask(const ConfigReader& config) {
  TRY_ASSIGN(const auto is_causal, config.config().find_flag("is_causal"));
  if (is_causal.has_value()) config.add("attention.causal", *is_causal);
  return {};
}

Result<ModelSizes> read_config(const ConfigReader& config) {
  TRY(config.expect("hidden_act", "silu"));
  TRY(config.expect_off({"use_sliding_window", "attention_bias"}));
  TRY(config.expect_plain_weights());
  TRY_ASSIGN(const ModelSizes sizes, read_decoder_sizes(config));
  TRY_ASSIGN(const double epsilon, config.get_number_or({"rms_norm_eps"}, 1e-6));
  TRY_ASSIGN(const double base, config.get_rope_base({"rope_theta"}, "", 10000));
  add_sizes(config, sizes);
  config.add("attention.head_count_kv", sizes.kv_heads);
  config.add("rope.freq_base", static_cast<float>(base));
  config.add("attention.layer_norm_rms_epsilon", static_cast<float>(epsilon));
  config.add("attention.key_length", sizes.head_width);
  config.add("attention.value_length", sizes.head_width);
  TRY(add_mask(config));
  return sizes;
}

}  // namespace

const HfArchitecture kQwen2{
    .model_type = "qwen2",
    .classes = kQwen2Classes,
    .gguf = "qwen2",
    .prefix = "model.",
    .layers = "layers.",
    .tensors = decoder::kTensors,
    .layer_tensors = kQwen2Layer,
    .unused = kUnused,
    .read_config = read_config,
};
const HfArchitecture kQwen3{
    .model_type = "qwen3",
    .classes = kQwen3Classes,
    .gguf = "qwen3",
    .prefix = "model.",
    .layers = "layers.",
    .tensors = decoder::kTensors,
    .layer_tensors = kQwen3Layer,
    .unused = kUnused,
    .read_config = read_config,
};

}  // namespace runed::embed::hf
