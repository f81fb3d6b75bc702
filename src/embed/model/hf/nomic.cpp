// Nomic's encoder, whose config.json has the keys of GPT-2 as published and those of BERT as
// transformers 5 writes them: transformers/models/nomic_bert; what GGUF calls it: llama.cpp,
// conversion/bert.py.

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "embed/model/hf/common_sizes.hpp"

namespace runed::embed::hf {
namespace {

using namespace size;

constexpr std::array kTensors{
    NameRow{"embeddings.word_embeddings.weight", "token_embd.weight", kVocabulary, kWidth},
    NameRow{"embeddings.token_type_embeddings.weight", "token_types.weight", kTypes, kWidth,
            Needed::if_types},
    NameRow{"emb_ln.weight", "token_embd_norm.weight", nullptr, kWidth},
    NameRow{"emb_ln.bias", "token_embd_norm.bias", nullptr, kWidth},
};
constexpr std::array kLayerTensors{
    NameRow{"attn.Wqkv.weight", "attn_qkv.weight", kQkv, kWidth},
    NameRow{"attn.out_proj.weight", "attn_output.weight", kWidth, kWidth},
    NameRow{"norm1.weight", "attn_output_norm.weight", nullptr, kWidth},
    NameRow{"norm1.bias", "attn_output_norm.bias", nullptr, kWidth},
    NameRow{"mlp.fc11.weight", "ffn_up.weight", kFf, kWidth},
    NameRow{"mlp.fc12.weight", "ffn_gate.weight", kFf, kWidth},
    NameRow{"mlp.fc2.weight", "ffn_down.weight", kWidth, kFf},
    NameRow{"norm2.weight", "layer_output_norm.weight", nullptr, kWidth},
    NameRow{"norm2.bias", "layer_output_norm.bias", nullptr, kWidth},
};

constexpr std::array<std::string_view, 2> kClasses{"NomicBertModel", "NomicBertForPreTraining"};
constexpr std::array<std::string_view, 2> kUnused{"pooler.", "cls."};

// Beyond these positions the model's own code scales the rotation by the length of the text.
constexpr uint32_t kTrainedPositions = 2048;

Status check(const ConfigReader& config) {
  for (const char* key : {"moe_every_n_layers", "num_experts"}) TRY(config.expect(key, 0.0));
  TRY(config.expect_off({"prenorm", "use_rms_norm", "parallel_block", "rotary_emb_interleaved",
                         "qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias", "causal", "is_decoder"}));
  TRY(config.expect("rotary_emb_fraction", 1.0));
  TRY(config.expect("activation_function", "swiglu"));
  TRY(config.expect("hidden_act", "silu"));
  return config.expect_plain_weights();
}

Result<ModelSizes> read_config(const ConfigReader& config) {
  TRY(check(config));
  ModelSizes sizes;
  TRY_ASSIGN(sizes.vocabulary, config.get_size({"vocab_size"}));
  TRY_ASSIGN(sizes.width, config.get_size({"n_embd", "hidden_size"}));
  TRY_ASSIGN(sizes.ff_width, config.get_size({"n_inner", "intermediate_size"}));
  TRY_ASSIGN(sizes.layers, config.get_size({"n_layer", "num_hidden_layers"}));
  TRY_ASSIGN(sizes.heads, config.get_size({"n_head", "num_attention_heads"}));
  TRY_ASSIGN(const uint32_t positions, config.get_size({"n_positions", "max_position_embeddings"}));
  TRY_ASSIGN(const uint32_t trained,
             config.get_size_or({"max_trained_positions"}, kTrainedPositions));
  sizes.positions = std::min(positions, trained);
  TRY_ASSIGN(sizes.types, config.get_count_or({"type_vocab_size"}, 0));
  TRY_ASSIGN(const double epsilon,
             config.get_number_or({"layer_norm_epsilon", "layer_norm_eps"}, 1e-12));
  TRY_ASSIGN(const double base, config.get_rope_base({"rotary_emb_base", "rope_theta"}, "", 1000));
  TRY(divide_heads(config, sizes));
  add_sizes(config, sizes);
  config.add("rope.freq_base", static_cast<float>(base));
  config.add("attention.layer_norm_epsilon", static_cast<float>(epsilon));
  config.add("attention.causal", false);
  config.metadata().add("tokenizer.ggml.token_type_count", sizes.types);
  return sizes;
}

}  // namespace

const HfArchitecture kNomic{
    .model_type = "nomic_bert",
    .classes = kClasses,
    .gguf = "nomic-bert",
    .prefix = "bert.",
    .layers = "encoder.layers.",
    .tensors = kTensors,
    .layer_tensors = kLayerTensors,
    .unused = kUnused,
    .read_config = read_config,
};

}  // namespace runed::embed::hf
