// Decoders of Qwen3, which as embedding models take the vector from the end of a text.
// Source: Yang et al., Qwen3 Technical Report (arXiv:2505.09388), section 2; Zhang et al., Qwen3
//         Embedding (arXiv:2506.05176), section 2 (last-token pooling); llama.cpp, llama-arch.cpp, for
//         the names.
#include "embed/model/architecture.hpp"

namespace runed::embed::arch::qwen3 {
namespace {

// Converters that did not know the model wrote 10000, the default of others; every embedding model of
// this architecture has 1e6.
constexpr double kLeastRopeBase = 1e5;
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
  if (spec.head == Head::rank) return {};  // What is around its texts is its prompt.
  // The vector is taken from the EOS token, so that a text without one has a wrong vector.
  return reader.read_frame(SpecReader::End::needed);
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
    {"attn_q_norm.weight", query_norm, Size::head_width},
    {"attn_k_norm.weight", key_norm, Size::head_width},
    {"attn_q.weight", query, Size::width, Size::query_width},
    {"attn_k.weight", key, Size::width, Size::key_width},
    {"attn_v.weight", value, Size::width, Size::value_width},
    {"attn_output.weight", output, Size::attended_width, Size::width},
    {"ffn_norm.weight", ff_norm, Size::width},
    {"ffn_gate.weight", gate, Size::width, Size::ff_width},
    {"ffn_up.weight", up, Size::width, Size::ff_width},
    {"ffn_down.weight", down, Size::ff_width, Size::width},
};

}  // namespace

extern const Architecture kArchitecture;
constinit const Architecture kArchitecture{
    .name = "qwen3", .read_spec = read_spec, .tensors = kTensors, .layer_tensors = kLayerTensors};

}  // namespace runed::embed::arch::qwen3
