#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"

namespace runed::embed {

/// GGUF's general.file_type of a file whose matrices are of this type.
/// Source: llama.cpp, enum llama_ftype.
uint32_t file_type_of(TensorType type);

/// Takes the bytes of a file one after another.
using ByteSink = std::function<Status(std::string_view bytes)>;

/// Writes a model as a GGUF file: its metadata as they are, but for general.file_type, and its tensors
/// in their order. Matrices are stored as `type` (none: as they are), and what llama.cpp never
/// quantises, vectors and the tables of positions and segments, as F32. A matrix whose rows do not
/// fill blocks of Q8_0 is stored as F16, as llama.cpp does. The same model gives the same bytes.
/// Errors: model_unsupported naming a tensor that cannot be read or written in these types; those of
///         the sink.
Status write_gguf(const Gguf& model, std::optional<TensorType> type, const ByteSink& sink);

}  // namespace runed::embed
