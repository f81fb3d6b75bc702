// jina-embeddings-v3 without adapters, as transformers 5 has it: transformers/models/
// jina_embeddings_v3. The repository as published has another model_type and its adapters within.

#include <array>

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
    NameRow{"mixer.Wqkv.weight", "attn_qkv.weight", kQkv, kWidth},
    NameRow{"mixer.Wqkv.bias", "attn_qkv.bias", nullptr, kQkv},
    NameRow{"mixer.out_proj.weight", "attn_output.weight", kWidth, kWidth},
    NameRow{"mixer.out_proj.bias", "attn_output.bias", nullptr, kWidth},
    NameRow{"norm1.weight", "attn_output_norm.weight", nullptr, kWidth},
    NameRow{"norm1.bias", "attn_output_norm.bias", nullptr, kWidth},
    NameRow{"mlp.fc1.weight", "ffn_up.weight", kFf, kWidth},
    NameRow{"mlp.fc1.bias", "ffn_up.bias", nullptr, kFf},
    NameRow{"mlp.fc2.weight", "ffn_down.weight", kWidth, kFf},
    NameRow{"mlp.fc2.bias", "ffn_down.bias", nullptr, kWidth},
    NameRow{"norm2.weight", "layer_output_norm.weight", nullptr, kWidth},
    NameRow{"norm2.bias", "layer_output_norm.bias", nullptr, kWidth},
};

constexpr std::array<std::string_view, 2> kClasses{"JinaEmbeddingsV3Model",
                                                   "JinaEmbeddingsV3ForMaskedLM"};
constexpr std::array<std::string_view, 2> kUnused{"pooler.", "lm_head."};

Result<ModelSizes> read_config(const ConfigReader& config) {
  TRY_ASSIGN(ModelSizes sizes, read_encoder_sizes(config));
  TRY_ASSIGN(sizes.types, config.get_size_or({"type_vocab_size"}, 1));
  TRY_ASSIGN(const double epsilon, config.get_number_or({"layer_norm_eps"}, 1e-5));
  TRY_ASSIGN(const double base, config.get_rope_base({"rope_theta"}, "", 20000));
  add_sizes(config, sizes);
  config.add("rope.freq_base", static_cast<float>(base));
  config.add("attention.layer_norm_epsilon", static_cast<float>(epsilon));
  config.add("attention.causal", false);
  config.metadata().add("tokenizer.ggml.token_type_count", sizes.types);
  return sizes;
}

}  // namespace

const HfArchitecture kJinaV3{
    .model_type = "jina_embeddings_v3",
    .classes = kClasses,
    .gguf = "jina-bert-v3",
    .prefix = "roberta.",
    .layers = "encoder.layers.",
    .tensors = kTensors,
    .layer_tensors = kLayerTensors,
    .unused = kUnused,
    .read_config = read_config,
};

}  // namespace runed::embed::hf
