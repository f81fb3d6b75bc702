// Encoders of EuroBERT.
// Source: Boizard et al., EuroBERT (arXiv:2503.05500), section 2.1; transformers, modeling_eurobert.py;
//         llama.cpp, llama-arch.cpp, for the names.
#include "embed/model/architecture.hpp"

namespace runed::embed::arch::eurobert {
namespace {

constexpr double kLeastRopeBase = 10000;
constexpr double kUsualRopeBase = 250000;

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
  return reader.read_frame(SpecReader::End::needed);
}

using enum TensorRole;
using enum Presence;
using Size = TensorSize;

constexpr TensorRow kTensors[] = {
    {"token_embd.weight", token_embedding, Size::width, Size::vocabulary},
    {"output_norm.weight", output_norm, Size::width},
};

constexpr TensorRow kLayerTensors[] = {
    {"attn_norm.weight", attention_norm, Size::width},
    {"attn_qkv.weight", query_key_value, Size::width, Size::query_key_value_width, if_fused},
    {"attn_q.weight", query, Size::width, Size::query_width, if_split},
    {"attn_k.weight", key, Size::width, Size::key_width, if_split},
    {"attn_v.weight", value, Size::width, Size::value_width, if_split},
    {"attn_output.weight", output, Size::attended_width, Size::width},
    {"ffn_norm.weight", ff_norm, Size::width},
    {"ffn_gate.weight", gate, Size::width, Size::ff_width},
    {"ffn_up.weight", up, Size::width, Size::ff_width},
    {"ffn_down.weight", down, Size::ff_width, Size::width},
};

}  // namespace

extern const Architecture kArchitecture;
constinit const Architecture kArchitecture{.name = "eurobert",
                                           .read_spec = read_spec,
                                           .tensors = kTensors,
                                           .layer_tensors = kLayerTensors};

}  // namespace runed::embed::arch::eurobert
