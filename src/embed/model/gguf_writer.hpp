#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"

namespace runed::embed {

/// GGUF's general.file_type of a file whose matrices are of this type, those of ggml's types that
/// convert writes. Source: llama.cpp, enum llama_ftype.
uint32_t file_type_of(TensorType type);

}  // namespace runed::embed
