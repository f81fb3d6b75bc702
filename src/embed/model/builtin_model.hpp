#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace runed::embed {

/// Returns the built-in model: a whole GGUF in the executable's read-only data, page-aligned.
std::span<const std::byte> builtin_model();

/// What the model is called: `all-MiniLM-L6-v2`.
std::string_view builtin_model_name();

/// SHA-256 of that file: 64 hex digits.
std::string_view builtin_model_sha256();

}  // namespace runed::embed
