// GTE's second generation, in the keys of its published code: config.json of gte-base-en-v1.5;
// transformers/models/gte has the same arithmetic.

#include <array>
#include <cmath>

#include "base/text.hpp"
#include "embed/model/hf/common_sizes.hpp"

namespace runed::embed::hf {
namespace {

using namespace size;

constexpr std::array kTensors{
    NameRow{"embeddings.word_embeddings.weight", "token_embd.weight", kVocabulary, kWidth},
    NameRow{"embeddings.token_type_embeddings.weight", "token_types.weight", kTypes, kWidth,
            Needed::if_types},
    NameRow{"embeddings.LayerNorm.weight", "token_embd_norm.weight", nullptr, kWidth},
    NameRow{"embeddings.LayerNorm.bias", "token_embd_norm.bias", nullptr, kWidth},
};
constexpr std::array kLayerTensors{
    NameRow{"attention.qkv_proj.weight", "attn_qkv.weight", kQkv, kWidth},
    NameRow{"attention.qkv_proj.bias", "attn_qkv.bias", nullptr, kQkv},
    NameRow{"attention.o_proj.weight", "attn_output.weight", kWidth, kWidth},
    NameRow{"attention.o_proj.bias", "attn_output.bias", nullptr, kWidth},
    NameRow{"attn_ln.weight", "attn_output_norm.weight", nullptr, kWidth},
    NameRow{"attn_ln.bias", "attn_output_norm.bias", nullptr, kWidth},
    NameRow{"mlp.up_gate_proj.weight", "ffn_up.weight", kTwiceFf, kWidth},
    NameRow{"mlp.down_proj.weight", "ffn_down.weight", kWidth, kFf},
    NameRow{"mlp.down_proj.bias", "ffn_down.bias", nullptr, kWidth},
    NameRow{"mlp_ln.weight", "layer_output_norm.weight", nullptr, kWidth},
    NameRow{"mlp_ln.bias", "layer_output_norm.bias", nullptr, kWidth},
};

constexpr std::array<std::string_view, 2> kClasses{"NewModel", "NewForMaskedLM"};
constexpr std::array<std::string_view, 4> kUnused{"pooler.", "lm_head.", "classifier.",
                                                  "embeddings.position_ids"};

struct Rope {
  double base = 0;
  double factor = 1;  // What frequencies are divided by.
};

// Its "ntk" raises the base by a factor, and then divides all frequencies by a power of that.
// Source: modeling.py of Alibaba-NLP/new-impl, NTKScalingRotaryEmbedding.
Result<Rope> read_rope(const ConfigReader& config, uint32_t head_width) {
  Rope rope;
  TRY(config.expect_none({"rope_parameters"}));
  TRY_ASSIGN(rope.base, config.get_number_or({"rope_theta"}, 10000));
  TRY_ASSIGN(const auto scaling, config.config().find_object("rope_scaling"));
  if (!scaling) return rope;
  TRY_ASSIGN(const std::string type, scaling->get_text("type"));
  TRY_ASSIGN(const auto factor, scaling->find_number("factor"));
  if (type != "ntk" || factor.value_or(0) < 1 || scaling->has("mixed_b")) {
    return not_served(fmt::format("{} is {}, and only 'ntk' with a factor from 1 on is served",
                                  config.config().place_of("rope_scaling"),
                                  printable(to_line(scaling->json()))));
  }
  rope.base *= *factor;
  rope.factor = std::pow(*factor, 2.0 / head_width);
  return rope;
}

Result<ModelSizes> read_config(const ConfigReader& config) {
  TRY(config.expect("position_embedding_type", "rope"));
  TRY(config.expect("layer_norm_type", "layer_norm"));
  TRY(config.expect("hidden_act", "gelu"));
  TRY(config.expect_off({"logn_attention_scale", "logn_attention_clip1"}));
  TRY(config.expect_plain_weights());
  ModelSizes sizes;
  TRY_ASSIGN(sizes.vocabulary, config.get_size({"vocab_size"}));
  TRY_ASSIGN(sizes.width, config.get_size({"hidden_size"}));
  TRY_ASSIGN(sizes.ff_width, config.get_size({"intermediate_size"}));
  TRY_ASSIGN(sizes.layers, config.get_size({"num_hidden_layers"}));
  TRY_ASSIGN(sizes.positions, config.get_size({"max_position_embeddings"}));
  TRY_ASSIGN(sizes.heads, config.get_size({"num_attention_heads"}));
  TRY_ASSIGN(sizes.types, config.get_count_or({"type_vocab_size"}, 0));
  TRY(divide_heads(config, sizes));
  TRY_ASSIGN(const Rope rope, read_rope(config, sizes.head_width));
  TRY_ASSIGN(const double epsilon, config.get_number_or({"layer_norm_eps"}, 1e-12));
  add_sizes(config, sizes);
  config.add("rope.freq_base", static_cast<float>(rope.base));
  if (rope.factor != 1) {
    config.add("rope.scaling.type", "linear");
    config.add("rope.scaling.factor", static_cast<float>(rope.factor));
  }
  config.add("attention.layer_norm_epsilon", static_cast<float>(epsilon));
  config.add("attention.causal", false);
  config.metadata().add("tokenizer.ggml.token_type_count", sizes.types);
  return sizes;
}

}  // namespace

const HfArchitecture kGte{
    .model_type = "new",
    .classes = kClasses,
    .gguf = "gte",
    .prefix = "new.",
    .layers = "encoder.layer.",
    .tensors = kTensors,
    .layer_tensors = kLayerTensors,
    .unused = kUnused,
    .read_config = read_config,
};

}  // namespace runed::embed::hf
