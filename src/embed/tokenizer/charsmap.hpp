#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace runed::embed {

/// What SentencePiece replaces in a text before it looks for pieces: a trie in a double array, and
/// the replacements. Borrows nothing.
/// Source: SentencePiece, normalizer.cc (the blob); Hugging Face spm_precompiled, lib.rs.
class Charsmap {
 public:
  /// One that replaces nothing.
  Charsmap() = default;

  /// Reads `precompiled_charsmap`.
  /// Errors: model_corrupt if it is cut short, or a replacement is not UTF-8.
  static Result<Charsmap> parse(std::span<const std::byte> blob);

  /// Returns what stands in place of `text`: the replacement of its shortest beginning that has one,
  /// whatever follows there. This is how the reference has it.
  std::optional<std::string_view> find(std::string_view text) const;

 private:
  std::vector<uint32_t> units_;
  std::string replacements_;  // Each ends with a NUL, the last one too.
};

}  // namespace runed::embed
