#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace runed::embed {

/// Returns the built-in model: a whole GGUF in the executable's read-only data, page-aligned.
std::span<const std::byte> builtin_model();

/// SHA-256 of that file, computed when it was built in: 64 hex digits.
std::string_view builtin_model_sha256();

}  // namespace runed::embed
