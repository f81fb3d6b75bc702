// Encoders of MPNet: all-mpnet-base-v2. GGUF knows no such architecture: its names here are those that
// others have there.
// Source: Song et al., MPNet (arXiv:2004.09297); transformers, modeling_mpnet.py.
#include "embed/model/architecture.hpp"

namespace runed::embed::arch::mpnet {
namespace {

constexpr uint32_t kMostBuckets = 256;  // Distances with one of their own stay below the farthest.

Status read_spec(const SpecReader& reader, ModelSpec& spec) {
  spec.norm = Norm::layer;
  spec.norm_place = NormPlace::after;
  spec.activation = Activation::gelu;
  spec.positions = Positions::learned;
  TRY(reader.read_sizes());
  TRY(reader.read_mask());
  TRY(reader.read_norm_epsilon("attention.layer_norm_epsilon"));
  TRY_ASSIGN(spec.position_buckets,
             reader.read_size("attention.relative_buckets_count", kMostBuckets));
  if (spec.position_buckets % 4 != 0) {
    const std::string key = spec.key("attention.relative_buckets_count");
    return conversion_fault(fmt::format("key '{}' is {} where a multiple of 4 was expected", key,
                                        spec.position_buckets),
                            key, kConvertAgain);
  }
  TRY(reader.read_dense());
  TRY(reader.read_tokenizer());
  return reader.read_frame_of_encoder();
}

using enum TensorRole;
using enum Presence;
using Size = TensorSize;

constexpr TensorRow kTensors[] = {
    {"token_embd.weight", token_embedding, Size::width, Size::vocabulary},
    {"position_embd.weight", position_embedding, Size::width, Size::context},
    {"attn_rel_b.weight", position_buckets, Size::heads, Size::position_buckets},
    {"token_embd_norm.weight", embedding_norm, Size::width},
    {"token_embd_norm.bias", embedding_norm, Size::width, Size::one, required, TensorPart::bias},
};

constexpr TensorRow kLayerTensors[] = {
    {"attn_q.weight", query, Size::width, Size::query_width},
    {"attn_q.bias", query, Size::query_width, Size::one, required, TensorPart::bias},
    {"attn_k.weight", key, Size::width, Size::key_width},
    {"attn_k.bias", key, Size::key_width, Size::one, required, TensorPart::bias},
    {"attn_v.weight", value, Size::width, Size::value_width},
    {"attn_v.bias", value, Size::value_width, Size::one, required, TensorPart::bias},
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
constinit const Architecture kArchitecture{.name = "mpnet",
                                           .read_spec = read_spec,
                                           .tensors = kTensors,
                                           .layer_tensors = kLayerTensors};

}  // namespace runed::embed::arch::mpnet
