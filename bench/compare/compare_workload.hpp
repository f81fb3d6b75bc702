#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "embed/engine.hpp"

namespace runed::bench {

/// One kind of request, always of the same texts in length and number.
struct Workload {
  std::string name{};  // `128 tokens`.
  uint32_t texts = 1;
  uint32_t tokens_each = 1;
  uint32_t repeats = 1;  // In each round.
  std::chrono::milliseconds idle{0};  // Before each request, as a query comes.

  uint32_t tokens() const { return texts * tokens_each; }
};

/// What a request consists of.
struct Texts {
  std::vector<embed::TokenId> ids;
  std::vector<uint32_t> offsets;

  embed::PackedBatch batch() const { return {.ids = ids, .offsets = offsets}; }
};

/// What workloads are made of.
struct WorkloadOptions {
  std::vector<uint32_t> lengths{12, 128, 512};  // Of the texts that come alone.
  std::chrono::milliseconds idle{0};            // 0: they come back to back only.
  uint32_t queries = 8;                         // In each round, of those that are short.
  uint32_t documents = 1;                       // In each round, of each of the others.
};

/// Single texts of each length, back to back and, if so asked, each after some idleness, and a batch of
/// short ones. None has more than `most_tokens`.
std::vector<Workload> make_workloads(const WorkloadOptions& options, uint32_t most_tokens);

/// What texts are made of.
struct TextSource {
  uint64_t vocabulary = 0;
  embed::Frame frame{};  // Around each text, as far as its ids are known.
  std::vector<embed::TokenId>
      ids{};  // Of real text, to cut texts out of; empty: tokens are random.
};

/// Makes texts. The same seed gives the same; another one, others from the first token behind the frame
/// on, so that no server has computed their beginning before.
Texts make_texts(const Workload& workload, const TextSource& source, uint64_t seed);

/// Returns the least cosine between rows.
/// Shapes: a and b [rows, dimension].
double least_cosine(const std::vector<float>& a, const std::vector<float>& b, size_t rows);

}  // namespace runed::bench
