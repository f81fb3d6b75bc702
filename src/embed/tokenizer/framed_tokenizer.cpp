#include "embed/tokenizer/framed_tokenizer.hpp"

#include <cstddef>
#include <optional>
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
  if (spelled == SpelledTokens::plain) return append_ordinary(text, ids);
  size_t offset = 0;
  while (const std::optional<SpecialTokens::Match> special = special_.find(text, offset)) {
    TRY(append_ordinary(text.substr(offset, special->offset - offset), ids));
    ids.push_back(special->id);
    offset = special->offset + special->length;
  }
  return append_ordinary(text.substr(offset), ids);
}

}  // namespace runed::embed
