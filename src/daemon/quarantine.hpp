#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "base/error.hpp"
#include "embed/embedder.hpp"

namespace runed::daemon {

/// Remembers the texts that an engine cannot embed, so that the next request with one of them does
/// not harm it again. Keeps digests, never texts.
class Quarantine {
 public:
  static constexpr size_t kMostTexts = 1000;  // Past it, the oldest is forgotten.

  void add(std::span<const embed::TokenId> ids, Error error);

  /// Finds what these ids led to.
  std::optional<Error> find(std::span<const embed::TokenId> ids) const;

  void clear();

 private:
  std::unordered_map<std::string, Error> errors_;  // By the SHA-256 of the ids.
  std::deque<std::string> order_;                  // Their keys, the oldest first.
};

}  // namespace runed::daemon
