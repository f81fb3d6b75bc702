#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_facts.hpp"

namespace runed::embed {

/// The shape of a Qwen3 embedding model, read from its file and checked.
struct ModelHeader {
  std::string name;         // general.name; `unnamed` if the file has none.
  uint32_t layers = 0;      // >= 1.
  uint32_t width = 0;       // Hidden size, and the dimension of a vector.
  uint32_t ff_width = 0;    // Of the feed-forward layer.
  uint32_t heads = 0;       // Query heads.
  uint32_t kv_heads = 0;    // Divides heads.
  uint32_t head_width = 0;  // Of queries, keys and values; even.
  uint32_t context = 0;     // Most tokens of one text.
  float rope_base = 0;      // Of the rotary position embedding.
  float rms_epsilon = 0;    // Of every RMS norm.
  uint32_t vocabulary = 0;  // Tokens.
  uint32_t eos = 0;         // Id of the end-of-text token.
  bool append_eos = false;  // Whether a text ends with it.
};

/// The detail of an error that tells of a fault of conversion, or of a file that is no embedding
/// model: no engine makes right vectors of it.
inline constexpr const char* kConversionFault = "conversion_fault";

/// The header gate: reads what the forward pass needs and refuses what it would compute wrongly
/// (another architecture, pooling or position scaling, a missing EOS). `pooling` is what somebody
/// else says of it where the file does not.
/// Errors: model_unsupported naming the key and the value found, with kConversionFault where that is
///         the file's fault and not ours.
Result<ModelHeader> read_model_header(const Gguf& file, std::optional<Pooling> pooling = {});

}  // namespace runed::embed
