#include "embed/tokenizer/framed_tokenizer.hpp"

#include <cstddef>
#include <utility>

#include "embed/tokenizer/utf8_check.hpp"

namespace runed::embed {
namespace {

// Places in a text are numbered with 32 bits, and a normal form may have three times the bytes. Far
// above any text that a model can take.
constexpr size_t kMostBytes = size_t{1} << 29;

}  // namespace

FramedTokenizer::FramedTokenizer(SpecialTokens special, Frame frame)
    : special_(std::move(special)), frame_(std::move(frame)) {}

Result<std::vector<TokenId>> FramedTokenizer::tokenize(std::string_view text) const {
  std::vector<TokenId> ids = frame_.before;
  TRY(append(text, SpelledTokens::parsed, ids));
  ids.insert(ids.end(), frame_.after.begin(), frame_.after.end());
  return ids;
}

Status FramedTokenizer::append(std::string_view text, SpelledTokens spelled,
                               std::vector<TokenId>& ids) const {
  if (text.size() > kMostBytes) {
    return make_error(ErrorCode::text_too_long, "text has {} bytes; {} are allowed", text.size(),
                      kMostBytes);
  }
  TRY(check_utf8(text));
  for (const auto& piece : special_.split(text, SpecialTokens::Pass::raw, spelled)) {
    if (piece.id) {
      ids.push_back(*piece.id);
    } else {
      TRY(append_between(piece.text, spelled, ids));
    }
  }
  return {};
}

Status FramedTokenizer::append_between(std::string_view text, SpelledTokens spelled,
                                       std::vector<TokenId>& ids) const {
  if (!special_.has_normalized()) return append_ordinary(text, ids);
  std::string storage;
  const std::string_view normalized = normalize(text, storage);
  for (const auto& piece : special_.split(normalized, SpecialTokens::Pass::normalized, spelled)) {
    if (piece.id) {
      ids.push_back(*piece.id);
    } else {
      TRY(append_normalized(piece.text, ids));
    }
  }
  return {};
}

std::string_view FramedTokenizer::normalize(std::string_view text, std::string& /*storage*/) const {
  return text;
}

Status FramedTokenizer::append_normalized(std::string_view text, std::vector<TokenId>& ids) const {
  return append_ordinary(text, ids);
}

}  // namespace runed::embed
