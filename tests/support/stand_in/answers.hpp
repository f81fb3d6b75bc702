#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace runed::test {

using Ids = std::vector<uint32_t>;

/// Returns the ids of a text: its bytes, then 256.
Ids ids_of(std::string_view text);

/// Returns the ids of each text in an `input`: a text or its ids, or a list of such; empty if it is
/// none of these.
std::optional<std::vector<Ids>> texts_of(const Json& input);

/// Returns the vector of a text: unit length, and always the same for the same ids.
std::vector<float> vector_of(const Ids& ids, size_t dimension);

enum class Encoding { numbers, base64 };

/// Writes llama-server's answer to /v1/embeddings.
std::string embeddings_body(const std::vector<std::vector<float>>& vectors, Encoding encoding);

/// Writes llama-server's answer when it fails.
std::string error_body(int status, std::string_view message);

}  // namespace runed::test
