#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace runed::bench {

/// What clients got.
struct LoadTally {
  uint64_t calls = 0;  // That ended.
  uint64_t texts = 0;  // Answered.
  uint64_t tokens = 0;
  uint64_t cancelled = 0;   // Calls, by us.
  uint64_t unanswered = 0;  // Texts of streams that failed or were cancelled.
  uint64_t lost = 0;        // Texts without an answer in a call that ended well.
  uint64_t twice = 0;       // Answers beyond the first of a text.
  uint64_t wrong = 0;       // Answers that are not the text's vector.
  double least_cosine = 1;
  uint64_t stalled_writes = 0;             // Texts that were written to streams nobody reads.
  std::map<std::string, uint64_t> errors;  // By reason and, if there is no reason, text.
  std::vector<float> latencies_ms;         // Of calls, or of the texts of a stream.

  void add(const LoadTally& other);
  void fail(const Error& error);
};

/// The vectors that texts must get, by their number.
class ExpectedVectors {
 public:
  ExpectedVectors(std::vector<std::vector<float>> vectors, double least_cosine)
      : vectors_(std::move(vectors)), least_cosine_(least_cosine) {}

  /// Counts a vector that is wrong.
  void check(uint64_t number, std::span<const float> vector, LoadTally& tally) const;

  /// The largest cosine of two of them, of the first few hundred: how well a mistaken one is told.
  double most_alike() const;

 private:
  std::vector<std::vector<float>> vectors_;  // Of unit length.
  double least_cosine_;
};

/// Returns a percentile of values, 0 of none. Reorders them.
double percentile(std::vector<float>& values, double share);

}  // namespace runed::bench
