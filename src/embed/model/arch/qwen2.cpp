// Decoders of Qwen2 with a vector from the end of a text or their mean: jina-code-embeddings, gte-Qwen2,
// whose tokens see each other.
// Source: Yang et al., Qwen2 Technical Report (arXiv:2407.10671), section 2.2.1; llama.cpp,
//         llama-arch.cpp, for the names.
#include "embed/model/architecture.hpp"

namespace runed::embed::arch::qwen2 {
namespace {

constexpr double kLeastRopeBase = 10000;
constexpr double kUsualRopeBase = 1e6;

Status read_spec(const SpecReader& reader, ModelSpec& spec) {
  spec.norm = Norm::rms;
  spec.norm_place = NormPlace::before;
  spec.activation = Activation::swiglu;
  TRY(reader.read_sizes());
  TRY(reader.read_mask());
  TRY(reader.read_norm_epsilon("attention.layer_norm_rms_epsilon"));
  TRY(reader.read_rotary(kLeastRopeBase, kUsualRopeBase));
  TRY(reader.read_dense());
  TRY(reader.read_tokenizer());
  return reader.read_frame(SpecReader::End::optional);
}

using enum TensorRole;
using Size = TensorSize;

constexpr TensorRow kTensors[] = {
    {"token_embd.weight", token_embedding, Size::width, Size::vocabulary},
    {"output_norm.weight", output_norm, Size::width},
    // Of the language model that it was made from.
    {"output.weight", unused, Size::width, Size::vocabulary, Presence::optional},
};

constexpr TensorRow kLayerTensors[] = {
    {"attn_norm.weight", attention_norm, Size::width},
    {"attn_q.weight", query, Size::width, Size::query_width},
    {"attn_q.bias", query, Size::query_width, Size::one, Presence::required, TensorPart::bias},
    {"attn_k.weight", key, Size::width, Size::key_width},
    {"attn_k.bias", key, Size::key_width, Size::one, Presence::required, TensorPart::bias},
    {"attn_v.weight", value, Size::width, Size::value_width},
    {"attn_v.bias", value, Size::value_width, Size::one, Presence::required, TensorPart::bias},
    {"attn_output.weight", output, Size::attended_width, Size::width},
    {"ffn_norm.weight", ff_norm, Size::width},
    {"ffn_gate.weight", gate, Size::width, Size::ff_width},
    {"ffn_up.weight", up, Size::width, Size::ff_width},
    {"ffn_down.weight", down, Size::ff_width, Size::width},
};

}  // namespace

extern const Architecture kArchitecture;
constinit const Architecture kArchitecture{
    .name = "qwen2", .read_spec = read_spec, .tensors = kTensors, .layer_tensors = kLayerTensors};

}  // namespace runed::embed::arch::qwen2
