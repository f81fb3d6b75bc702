// EuroBERT as transformers has it: transformers/models/eurobert.

#include <array>

#include "embed/model/hf/common_sizes.hpp"
#include "embed/model/hf/decoder_rows.hpp"

namespace runed::embed::hf {
namespace {

constexpr std::array kLayerTensors{decoder::kAttentionNorm, decoder::kQuery,  decoder::kKey,
                                   decoder::kValue,         decoder::kOutput, decoder::kFfNorm,
                                   decoder::kGate,          decoder::kUp,     decoder::kDown};

constexpr std::array<std::string_view, 2> kClasses{"EuroBertModel", "EuroBertForMaskedLM"};
constexpr std::array<std::string_view, 1> kUnused{"lm_head."};

Result<ModelSizes> read_config(const ConfigReader& config) {
  TRY(config.expect("hidden_act", "silu"));
  TRY(config.expect_off({"attention_bias", "mlp_bias"}));
  TRY(config.expect_plain_weights());
  TRY_ASSIGN(const ModelSizes sizes, read_decoder_sizes(config));
  TRY_ASSIGN(const double epsilon, config.get_number_or({"rms_norm_eps"}, 1e-5));
  TRY_ASSIGN(const double base, config.get_rope_base({"rope_theta"}, "", 250000));
  add_sizes(config, sizes);
  config.add("attention.head_count_kv", sizes.kv_heads);
  config.add("rope.freq_base", static_cast<float>(base));
  config.add("attention.layer_norm_rms_epsilon", static_cast<float>(epsilon));
  config.add("attention.key_length", sizes.head_width);
  config.add("attention.value_length", sizes.head_width);
  config.add("attention.causal", false);
  return sizes;
}

}  // namespace

const HfArchitecture kEuroBert{
    .model_type = "eurobert",
    .classes = kClasses,
    .gguf = "eurobert",
    .prefix = "model.",
    .layers = "layers.",
    .tensors = decoder::kTensors,
    .layer_tensors = kLayerTensors,
    .unused = kUnused,
    .read_config = read_config,
};

}  // namespace runed::embed::hf
