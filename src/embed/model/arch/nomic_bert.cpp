// Encoders of Nomic: nomic-embed-text-v1 and v1.5, snowflake-arctic-embed-m-long.
// Source: Nussbaum et al., Nomic Embed (arXiv:2402.01613), section 3.1; transformers,
//         modeling_nomic_bert.py; llama.cpp, llama-arch.cpp, for the names.
#include "embed/model/architecture.hpp"

namespace runed::embed::arch::nomic_bert {
namespace {

constexpr double kLeastRopeBase = 100;
constexpr double kUsualRopeBase = 1000;

Status read_spec(const SpecReader& reader, ModelSpec& spec) {
  spec.norm = Norm::layer;
  spec.norm_place = NormPlace::after;
  spec.activation = Activation::swiglu;
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
    {"attn_q.weight", query, Size::width, Size::query_width, if_split},
    {"attn_k.weight", key, Size::width, Size::key_width, if_split},
    {"attn_v.weight", value, Size::width, Size::value_width, if_split},
    {"attn_output.weight", output, Size::attended_width, Size::width},
    {"attn_output_norm.weight", attention_norm, Size::width},
    {"attn_output_norm.bias", attention_norm, Size::width, Size::one, required, TensorPart::bias},
    {"ffn_gate.weight", gate, Size::width, Size::ff_width},
    {"ffn_up.weight", up, Size::width, Size::ff_width},
    {"ffn_down.weight", down, Size::ff_width, Size::width},
    {"layer_output_norm.weight", ff_norm, Size::width},
    {"layer_output_norm.bias", ff_norm, Size::width, Size::one, required, TensorPart::bias},
};

}  // namespace

extern const Architecture kArchitecture;
constinit const Architecture kArchitecture{.name = "nomic-bert",
                                           .read_spec = read_spec,
                                           .tensors = kTensors,
                                           .layer_tensors = kLayerTensors};

}  // namespace runed::embed::arch::nomic_bert
