// Encoders of GTE's second generation: gte-base-en-v1.5, gte-multilingual-base, arctic-embed-m-v2.0.
// GGUF knows no such architecture: its names here are those that others have there.
// Source: Zhang et al., mGTE (arXiv:2407.19669), section 2.1; transformers, modeling_gte.py.
#include "embed/model/architecture.hpp"

namespace runed::embed::arch::gte {
namespace {

constexpr double kLeastRopeBase = 1000;
constexpr double kUsualRopeBase = 500000;

Status read_spec(const SpecReader& reader, ModelSpec& spec) {
  spec.norm = Norm::layer;
  spec.norm_place = NormPlace::after;
  spec.activation = Activation::geglu;
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
    {"attn_qkv.weight", query_key_value, Size::width, Size::query_key_value_width},
    {"attn_qkv.bias", query_key_value, Size::query_key_value_width, Size::one, required,
     TensorPart::bias},
    {"attn_output.weight", output, Size::attended_width, Size::width},
    {"attn_output.bias", output, Size::width, Size::one, required, TensorPart::bias},
    {"attn_output_norm.weight", attention_norm, Size::width},
    {"attn_output_norm.bias", attention_norm, Size::width, Size::one, required, TensorPart::bias},
    {"ffn_up.weight", up_gate, Size::width, Size::twice_ff_width},
    {"ffn_down.weight", down, Size::ff_width, Size::width},
    {"ffn_down.bias", down, Size::width, Size::one, required, TensorPart::bias},
    {"layer_output_norm.weight", ff_norm, Size::width},
    {"layer_output_norm.bias", ff_norm, Size::width, Size::one, required, TensorPart::bias},
};

}  // namespace

extern const Architecture kArchitecture;
constinit const Architecture kArchitecture{.name = "gte",
                                           .read_spec = read_spec,
                                           .tensors = kTensors,
                                           .layer_tensors = kLayerTensors};

}  // namespace runed::embed::arch::gte
