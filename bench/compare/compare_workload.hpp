#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "embed/engine.hpp"

namespace runed::bench {

/// One kind of request, always of the same texts in length and number.
struct Workload {
  std::string name;  // `128 tokens`.
  uint32_t texts = 1;
  uint32_t tokens_each = 1;
  uint32_t repeats = 1;  // In each round.

  uint32_t tokens() const { return texts * tokens_each; }
};

/// What a request consists of.
struct Texts {
  std::vector<embed::TokenId> ids;
  std::vector<uint32_t> offsets;

  embed::PackedBatch batch() const { return {.ids = ids, .offsets = offsets}; }
};

/// A single query as they are asked, two lengths of documents, and a batch of short ones;
/// `with_long` adds a text of 2048 tokens. None is as long as `context`: llama-server refuses a
/// text that fills it.
std::vector<Workload> make_workloads(bool with_long, uint32_t queries, uint32_t context);

/// Makes texts of random tokens. The same seed gives the same; another one, others from the first
/// token on, so that no server has computed their beginning before.
Texts make_texts(const Workload& workload, uint64_t vocabulary, uint64_t seed);

/// Returns the least cosine between rows.
/// Shapes: a and b [rows, dimension], each row of unit length.
double least_cosine(const std::vector<float>& a, const std::vector<float>& b, size_t rows);

}  // namespace runed::bench
