#include "embed/tokenizer/special_tokens.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "base/text.hpp"

namespace runed::embed {
namespace {

// Source: llama.cpp, LLAMA_TOKEN_TYPE_CONTROL and LLAMA_TOKEN_TYPE_USER_DEFINED.
constexpr int32_t kControl = 3;
constexpr int32_t kUserDefined = 4;

}  // namespace

Result<SpecialTokens> SpecialTokens::create(std::span<const std::string_view> tokens,
                                            std::span<const int32_t> types) {
  CHECK(tokens.size() == types.size());
  SpecialTokens special;
  for (size_t id = 0; id < tokens.size(); ++id) {
    if ((types[id] != kControl && types[id] != kUserDefined) || tokens[id].empty()) continue;
    std::string text(tokens[id]);  // Copied first: the file may be written to meanwhile.
    if (find_invalid_utf8(text)) {
      return make_error(ErrorCode::model_corrupt, "special token {} '{}' is not UTF-8", id,
                        printable(text));
    }
    special.by_first_byte_[static_cast<unsigned char>(text[0])].push_back(
        {std::move(text), static_cast<TokenId>(id)});
  }
  for (std::vector<Token>& bucket : special.by_first_byte_) {
    std::ranges::stable_sort(bucket, std::greater{},
                             [](const Token& token) { return token.text.size(); });
  }
  return special;
}

std::optional<SpecialTokens::Match> SpecialTokens::find(std::string_view text,
                                                        size_t offset) const {
  for (; offset < text.size(); ++offset) {
    for (const Token& token : by_first_byte_[static_cast<unsigned char>(text[offset])]) {
      if (text.substr(offset).starts_with(token.text)) {
        return Match{offset, token.text.size(), token.id};
      }
    }
  }
  return std::nullopt;
}

}  // namespace runed::embed
