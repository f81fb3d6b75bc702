#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "embed/engine.hpp"

namespace runed::daemon {

/// Remembers the texts that an engine cannot embed, so that the next request with one of them does
/// not harm it again. Keeps digests, never texts, and forgets them in time.
class Quarantine {
 public:
  static constexpr size_t kMostTexts = 1000;  // Past it, the oldest is forgotten.

  /// Each text is remembered for `remember`.
  Quarantine(const Clock& clock, std::chrono::nanoseconds remember)
      : clock_(clock), remember_(remember) {}

  void add(std::span<const embed::TokenId> ids, Error error);

  /// Finds what these ids led to.
  std::optional<Error> find(std::span<const embed::TokenId> ids) const;

 private:
  struct Entry {
    Error error;
    SteadyTime until;
  };

  const Clock& clock_;
  const std::chrono::nanoseconds remember_;
  std::unordered_map<std::string, Entry> entries_;  // By the SHA-256 of the ids.
  std::deque<std::string> order_;                   // Their keys, the oldest first.
};

}  // namespace runed::daemon
