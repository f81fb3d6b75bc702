#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/tokenizer/special_tokens.hpp"
#include "embed/tokenizer/tokenizer.hpp"

namespace runed::embed {

/// What tokenizers of our own have in common: the frame around a text, and the special tokens that a
/// text spells. What lies between those is for each kind of tokenizer.
class FramedTokenizer : public Tokenizer {
 public:
  Result<std::vector<TokenId>> tokenize(std::string_view text) const final;
  Status append(std::string_view text, SpelledTokens spelled,
                std::vector<TokenId>& ids) const final;

 protected:
  FramedTokenizer(SpecialTokens special, Frame frame);

  /// Tells whether a special token takes white space along: it stands for any number of bytes then.
  bool takes_space() const { return special_.takes_space(); }

 private:
  /// Appends the ids of well-formed UTF-8 without special tokens.
  virtual Status append_ordinary(std::string_view text, std::vector<TokenId>& ids) const = 0;

  /// The same in two steps, for vocabularies with tokens that are found in between: normalised text,
  /// which is `text` itself or a view of `storage`, and the ids of that.
  virtual std::string_view normalize(std::string_view text, std::string& storage) const;
  virtual Status append_normalized(std::string_view text, std::vector<TokenId>& ids) const;

  Status append_between(std::string_view text, SpelledTokens spelled,
                        std::vector<TokenId>& ids) const;

  SpecialTokens special_;
  Frame frame_;
};

}  // namespace runed::embed
