// Encoders of ModernBERT: gte-modernbert-base, modernbert-embed, granite-embedding r2.
// Source: Warner et al., ModernBERT (arXiv:2412.13663), section 2.1; transformers,
//         modeling_modernbert.py; llama.cpp, llama-arch.cpp, for the names.
#include "embed/model/architecture.hpp"

namespace runed::embed::arch::modern_bert {
namespace {

// Of layers that see all; the default of a converter that did not know the model is that of others.
constexpr double kLeastRopeBase = 20000;
constexpr double kUsualRopeBase = 160000;

// Source: llama.cpp, src/models/modern-bert.cpp, for the name of the key; it does not obey it.
Status read_activation(const SpecReader& reader, ModelSpec& spec) {
  TRY_ASSIGN(const auto activation, reader.find_text("hidden_activation"));
  const std::string name = activation.value_or("gelu");
  spec.activation = name == "silu" ? Activation::swiglu : Activation::geglu;
  if (name == "silu" || name == "gelu") return {};
  const std::string key = spec.key("hidden_activation");
  return conversion_fault(
      fmt::format("key '{}' is '{}' where 'gelu' or 'silu' was expected", key, name), key,
      "another activation is not served: name another model");
}

Status read_spec(const SpecReader& reader, ModelSpec& spec) {
  spec.norm = Norm::layer;
  spec.norm_place = NormPlace::before;
  TRY(reader.read_sizes());
  TRY(reader.read_mask());
  TRY(reader.read_norm_epsilon("attention.layer_norm_epsilon"));
  TRY(read_activation(reader, spec));
  TRY(reader.read_rotary(kLeastRopeBase, kUsualRopeBase));
  TRY(reader.read_window({.usual_period = 3, .global = SpecReader::LocalLayers::Global::first}));
  TRY(reader.read_dense());
  TRY(reader.read_tokenizer());
  return reader.read_frame(SpecReader::End::needed);
}

using enum TensorRole;
using enum Presence;
using Size = TensorSize;

constexpr TensorRow kTensors[] = {
    {"token_embd.weight", token_embedding, Size::width, Size::vocabulary},
    {"token_embd_norm.weight", embedding_norm, Size::width},
    {"output_norm.weight", output_norm, Size::width},
};

constexpr TensorRow kLayerTensors[] = {
    // Not of the first layer, which reads what the norm of the embedding gives.
    {"attn_norm.weight", attention_norm, Size::width, Size::one, optional},
    {"attn_qkv.weight", query_key_value, Size::width, Size::query_key_value_width, if_fused},
    {"attn_q.weight", query, Size::width, Size::query_width, if_split},
    {"attn_k.weight", key, Size::width, Size::key_width, if_split},
    {"attn_v.weight", value, Size::width, Size::value_width, if_split},
    {"attn_output.weight", output, Size::attended_width, Size::width},
    {"ffn_norm.weight", ff_norm, Size::width},
    {"ffn_up.weight", gate_up, Size::width, Size::twice_ff_width},
    {"ffn_down.weight", down, Size::ff_width, Size::width},
};

}  // namespace

extern const Architecture kArchitecture;
constinit const Architecture kArchitecture{.name = "modern-bert",
                                           .read_spec = read_spec,
                                           .tensors = kTensors,
                                           .layer_tensors = kLayerTensors};

}  // namespace runed::embed::arch::modern_bert
