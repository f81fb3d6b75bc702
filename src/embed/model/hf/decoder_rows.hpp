#pragma once

#include <array>

#include "embed/model/hf/hf_architecture.hpp"

// The tensors of Llama's descendants as transformers names them.
namespace runed::embed::hf::decoder {

inline constexpr NameRow kTokens{"embed_tokens.weight", "token_embd.weight", size::kVocabulary,
                                 size::kWidth};
inline constexpr NameRow kOutputNorm{"norm.weight", "output_norm.weight", nullptr, size::kWidth};
inline constexpr std::array kTensors{kTokens, kOutputNorm};

inline constexpr NameRow kAttentionNorm{"input_layernorm.weight", "attn_norm.weight", nullptr,
                                        size::kWidth};
inline constexpr NameRow kQuery{"self_attn.q_proj.weight", "attn_q.weight", size::kQuery,
                                size::kWidth};
inline constexpr NameRow kQueryBias{"self_attn.q_proj.bias", "attn_q.bias", nullptr, size::kQuery};
inline constexpr NameRow kKey{"self_attn.k_proj.weight", "attn_k.weight", size::kKey, size::kWidth};
inline constexpr NameRow kKeyBias{"self_attn.k_proj.bias", "attn_k.bias", nullptr, size::kKey};
inline constexpr NameRow kValue{"self_attn.v_proj.weight", "attn_v.weight", size::kKey,
                                size::kWidth};
inline constexpr NameRow kValueBias{"self_attn.v_proj.bias", "attn_v.bias", nullptr, size::kKey};
inline constexpr NameRow kQueryNorm{"self_attn.q_norm.weight", "attn_q_norm.weight", nullptr,
                                    size::kHead};
inline constexpr NameRow kKeyNorm{"self_attn.k_norm.weight", "attn_k_norm.weight", nullptr,
                                  size::kHead};
inline constexpr NameRow kOutput{"self_attn.o_proj.weight", "attn_output.weight", size::kWidth,
                                 size::kQuery};
inline constexpr NameRow kFfNorm{"post_attention_layernorm.weight", "ffn_norm.weight", nullptr,
                                 size::kWidth};
inline constexpr NameRow kGate{"mlp.gate_proj.weight", "ffn_gate.weight", size::kFf, size::kWidth};
inline constexpr NameRow kUp{"mlp.up_proj.weight", "ffn_up.weight", size::kFf, size::kWidth};
inline constexpr NameRow kDown{"mlp.down_proj.weight", "ffn_down.weight", size::kWidth, size::kFf};

}  // namespace runed::embed::hf::decoder
