#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/engine.hpp"

namespace runed::embed::llama_server {

/// Writes the body of a request for the texts [first, last) of a batch: token ids, and vectors
/// wanted in base64.
std::string write_request(const PackedBatch& batch, size_t first, size_t last);

/// Returns an upper bound for the bytes of a reply.
uint64_t most_reply_bytes(size_t texts, uint32_t dimension);

/// Reads the reply: as many vectors as there were texts, in the texts' order, each made unit length.
/// They may come as base64 or as numbers.
/// Shapes: [texts, dimension] f32 row-major; dimension 0 takes whatever the first vector has.
/// Errors: engine_fault for anything else, and for a vector that was far from unit length;
///         not_finite (details: index).
Result<std::vector<float>> read_reply(std::string_view body, size_t texts, uint32_t dimension);

/// Returns what an error reply of llama-server says, printable and short.
std::string read_failure(int status, std::string_view body);

}  // namespace runed::embed::llama_server
