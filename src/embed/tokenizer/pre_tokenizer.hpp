#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace runed::embed {

/// Splits text into the words that merges never cross, with the regular expression of Qwen2.
class PreTokenizer {
 public:
  /// Compiles the expression.
  /// Errors: internal if PCRE2 cannot.
  static Result<PreTokenizer> create();

  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  /// Splits text into words, which laid end to end are the text again.
  /// Needs:  well-formed UTF-8 in NFC.
  /// Errors: internal if PCRE2 gives up, for want of memory.
  /// Owns:   nothing; the words are views of `text`. Thread-safe.
  Result<std::vector<std::string_view>> split(std::string_view text) const;

 private:
  struct Code;
  explicit PreTokenizer(std::unique_ptr<Code> code);

  std::unique_ptr<Code> code_;
};

}  // namespace runed::embed
