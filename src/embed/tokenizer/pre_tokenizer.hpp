#pragma once

#include <string_view>
#include <vector>

#include "embed/model/byte_pair_rules.hpp"

namespace runed::embed {

/// Splits text into the words that merges never cross, as the regular expression of a rule does. The
/// expressions are written out as code: no library of Debian 12 has the letters of the reference, which
/// are those of Unicode 16.
class PreTokenizer {
 public:
  explicit PreTokenizer(SplitRule rule) : rule_(rule) {}

  /// Splits text into words, which laid end to end are the text again.
  /// Needs:  well-formed UTF-8.
  /// Owns:   nothing; the words are views of `text`. Takes as long as the text is. Thread-safe.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  SplitRule rule_;
};

}  // namespace runed::embed
