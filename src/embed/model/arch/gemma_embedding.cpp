// EmbeddingGemma: Gemma 3 without a mask, with two dense layers behind the mean.
// Source: Schechter Vera et al., EmbeddingGemma (arXiv:2509.20354), section 2; Gemma 3 Technical Report
//         (arXiv:2503.19786), section 2; transformers, modeling_gemma3.py; llama.cpp, llama-arch.cpp,
//         for the names. Files have the norms' weights with the one added that the model adds to them.
#include <cmath>

#include "embed/model/architecture.hpp"

namespace runed::embed::arch::gemma_embedding {
namespace {

constexpr double kLeastRopeBase = 100000;
constexpr double kUsualRopeBase = 1e6;

Status read_spec(const SpecReader& reader, ModelSpec& spec) {
  spec.norm = Norm::rms;
  spec.norm_place = NormPlace::around;
  spec.activation = Activation::geglu_tanh;
  spec.mask = Mask::none;  // Files do not say it, and llama.cpp goes by the architecture too.
  TRY(reader.read_sizes());
  TRY(reader.read_norm_epsilon("attention.layer_norm_rms_epsilon"));
  TRY(reader.read_rotary(kLeastRopeBase, kUsualRopeBase));
  TRY(reader.read_window({.usual_period = 6, .global = SpecReader::LocalLayers::Global::last}));
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.width));
  TRY(reader.read_dense(DenseLayer::Activation::identity));
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
    {"attn_q_norm.weight", query_norm, Size::head_width},
    {"attn_k_norm.weight", key_norm, Size::head_width},
    {"attn_qkv.weight", query_key_value, Size::width, Size::query_key_value_width, if_fused},
    {"attn_q.weight", query, Size::width, Size::query_width, if_split},
    {"attn_k.weight", key, Size::width, Size::key_width, if_split},
    {"attn_v.weight", value, Size::width, Size::value_width, if_split},
    {"attn_output.weight", output, Size::attended_width, Size::width},
    {"post_attention_norm.weight", output_post_norm, Size::width},
    {"ffn_norm.weight", ff_norm, Size::width},
    {"ffn_gate.weight", gate, Size::width, Size::ff_width},
    {"ffn_up.weight", up, Size::width, Size::ff_width},
    {"ffn_down.weight", down, Size::ff_width, Size::width},
    {"post_ffw_norm.weight", down_post_norm, Size::width},
};

}  // namespace

extern const Architecture kArchitecture;
constinit const Architecture kArchitecture{.name = "gemma-embedding",
                                           .read_spec = read_spec,
                                           .tensors = kTensors,
                                           .layer_tensors = kLayerTensors};

}  // namespace runed::embed::arch::gemma_embedding
