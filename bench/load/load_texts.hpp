#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace runed::bench {

/// How many tokens words are to a model, and how many it takes of one text.
struct TokenMeasure {
  double per_word = 1;
  uint32_t most = UINT32_MAX;
};

/// Texts of words, by index: the same index gives the same text, and different ones differ.
class LoadTexts {
 public:
  /// `distinct`: texts after which they come again; 0 for none.
  /// `lengths`: tokens of a text, about, the EOS included; each as likely as the others.
  LoadTexts(uint64_t seed, uint64_t distinct, std::vector<uint32_t> lengths, TokenMeasure measure);

  std::string text(uint64_t index) const;

  /// The number of the text: the index, where none comes twice.
  uint64_t number_of(uint64_t index) const { return distinct_ == 0 ? index : index % distinct_; }

  uint64_t distinct() const { return distinct_; }

  /// Returns a text of so many words.
  static std::string words(uint64_t seed, uint64_t count);

 private:
  const uint64_t seed_;
  const uint64_t distinct_;
  const std::vector<uint32_t> lengths_;
  const TokenMeasure measure_;
};

}  // namespace runed::bench
