// jina-embeddings-v3 without the adapters of its tasks: XLM-R with rotary positions.
// Source: Sturua et al., jina-embeddings-v3 (arXiv:2409.10173), section 4; transformers,
//         modeling_jina_embeddings_v3.py; llama.cpp, llama-arch.cpp, for the names.
#include "embed/model/architecture.hpp"

namespace runed::embed::arch::jina_bert_v3 {
namespace {

constexpr double kLeastRopeBase = 1000;
constexpr double kUsualRopeBase = 20000;

Status read_spec(const SpecReader& reader, ModelSpec& spec) {
  spec.norm = Norm::layer;
  spec.norm_place = NormPlace::after;
  spec.activation = Activation::gelu;
  TRY(reader.read_sizes());
  TRY(reader.read_mask());
  TRY(reader.read_norm_epsilon("attention.layer_norm_epsilon"));
  TRY(reader.read_rotary(kLeastRopeBase, kUsualRopeBase));
  TRY(reader.read_token_types());
  TRY(reader.read_dense());
  TRY(reader.read_tokenizer());
  return reader.read_frame_of_encoder();
}

using enum TensorRole;
using enum Presence;
using Size = TensorSize;

constexpr TensorRow kTensors[] = {
    {"token_embd.weight", token_embedding, Size::width, Size::vocabulary},
    {"token_types.weight", type_embedding, Size::width, Size::token_types, optional},
    {"token_embd_norm.weight", embedding_norm, Size::width},
    {"token_embd_norm.bias", embedding_norm, Size::width, Size::one, required, TensorPart::bias},
};

constexpr TensorRow kLayerTensors[] = {
    {"attn_qkv.weight", query_key_value, Size::width, Size::query_key_value_width, if_fused},
    {"attn_qkv.bias", query_key_value, Size::query_key_value_width, Size::one, if_fused,
     TensorPart::bias},
    {"attn_q.weight", query, Size::width, Size::query_width, if_split},
    {"attn_q.bias", query, Size::query_width, Size::one, if_split, TensorPart::bias},
    {"attn_k.weight", key, Size::width, Size::key_width, if_split},
    {"attn_k.bias", key, Size::key_width, Size::one, if_split, TensorPart::bias},
    {"attn_v.weight", value, Size::width, Size::value_width, if_split},
    {"attn_v.bias", value, Size::value_width, Size::one, if_split, TensorPart::bias},
    {"attn_output.weight", output, Size::attended_width, Size::width},
    {"attn_output.bias", output, Size::width, Size::one, required, TensorPart::bias},
    {"attn_output_norm.weight", attention_norm, Size::width},
    {"attn_output_norm.bias", attention_norm, Size::width, Size::one, required, TensorPart::bias},
    {"ffn_up.weight", up, Size::width, Size::ff_width},
    {"ffn_up.bias", up, Size::ff_width, Size::one, required, TensorPart::bias},
    {"ffn_down.weight", down, Size::ff_width, Size::width},
    {"ffn_down.bias", down, Size::width, Size::one, required, TensorPart::bias},
    {"layer_output_norm.weight", ff_norm, Size::width},
    {"layer_output_norm.bias", ff_norm, Size::width, Size::one, required, TensorPart::bias},
};

}  // namespace

extern const Architecture kArchitecture;
constinit const Architecture kArchitecture{.name = "jina-bert-v3",
                                           .read_spec = read_spec,
                                           .tensors = kTensors,
                                           .layer_tensors = kLayerTensors};

}  // namespace runed::embed::arch::jina_bert_v3
