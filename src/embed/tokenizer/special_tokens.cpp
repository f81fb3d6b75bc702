#include "embed/tokenizer/special_tokens.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/check.hpp"
#include "base/text.hpp"
#include "embed/tokenizer/text_characters.hpp"
#include "embed/tokenizer/utf8_characters.hpp"

namespace runed::embed {
namespace {

// Source: llama.cpp, LLAMA_TOKEN_TYPE_CONTROL and LLAMA_TOKEN_TYPE_USER_DEFINED.
constexpr int32_t kControl = 3;
constexpr int32_t kUserDefined = 4;

bool has_bit(uint32_t point, uint8_t bit) {
  return (text_characters().of(point) & bit) != 0;
}

// Where the white space before `end` begins, but not before `least`.
size_t begin_of_white(std::string_view text, size_t end, size_t least) {
  while (end > least) {
    size_t begin = end;
    if (!has_bit(previous_character(text, begin), text_character::kWhite)) break;
    end = begin;
  }
  return end;
}

size_t end_of_white(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    size_t end = begin;
    if (!has_bit(next_character(text, end), text_character::kWhite)) break;
    begin = end;
  }
  return begin;
}

bool is_in_word(std::string_view text, const TokenTrie::Match& match) {
  size_t begin = match.offset;
  size_t end = match.offset + match.length;
  return (begin > 0 && has_bit(previous_character(text, begin), text_character::kWord)) ||
         (end < text.size() && has_bit(next_character(text, end), text_character::kWord));
}

}  // namespace

Result<SpecialTokens> SpecialTokens::create(std::span<const std::string_view> tokens,
                                            std::span<const int32_t> types,
                                            const AddedTokenFlags& flags,
                                            const Normalize& normalize) {
  CHECK(tokens.size() == types.size());
  SpecialTokens special;
  const std::unordered_set<TokenId> normalized(flags.normalized.begin(), flags.normalized.end());
  for (size_t i = 0; i < tokens.size(); ++i) {
    if ((types[i] != kControl && types[i] != kUserDefined) || tokens[i].empty()) continue;
    std::string text(tokens[i]);  // Copied first: the file may be written to meanwhile.
    if (find_invalid_utf8(text)) {
      return make_error(ErrorCode::model_corrupt, "special token {} '{}' is not UTF-8", i,
                        printable(text));
    }
    const auto id = static_cast<TokenId>(i);
    const bool is_normalized = normalized.contains(id);
    if (is_normalized) text = normalize(text);
    if (text.empty()) continue;
    (is_normalized ? special.normalized_ : special.raw_).add(text, id);
    special.kinds_[id].is_control = types[i] == kControl;
  }
  for (const auto& [ids, member] :
       {std::pair(&flags.lstrip, &Kind::lstrip), std::pair(&flags.rstrip, &Kind::rstrip),
        std::pair(&flags.single_word, &Kind::single_word)}) {
    for (const TokenId id : *ids) {
      if (const auto kind = special.kinds_.find(id); kind != special.kinds_.end()) {
        kind->second.*member = true;
      }
    }
  }
  special.takes_space_ = std::ranges::any_of(
      special.kinds_, [](const auto& entry) { return entry.second.lstrip || entry.second.rstrip; });
  return special;
}

// In the white space that the token before has taken along, tokens are found all the same, but one that
// takes it along itself finds none left, and is no token then: so does the reference.
void SpecialTokens::cut_token(const TokenTrie::Match& match, const Kind& kind, Cut& cut) {
  size_t begin = match.offset;
  size_t end = match.offset + match.length;
  if (kind.lstrip) begin = std::max(begin_of_white(cut.text, begin, cut.offset), cut.offset);
  if (kind.rstrip) end = end_of_white(cut.text, end);
  if (cut.offset < begin) {
    cut.pieces.push_back({cut.text.substr(cut.offset, begin - cut.offset), std::nullopt});
  }
  if (begin < end) cut.pieces.push_back({cut.text.substr(begin, end - begin), match.id});
  cut.offset = end;
}

std::vector<SpecialTokens::Piece> SpecialTokens::split(std::string_view text, Pass pass,
                                                       SpelledTokens spelled) const {
  const TokenTrie& trie = pass == Pass::raw ? raw_ : normalized_;
  Cut cut{.text = text, .offset = 0, .pieces = {}};
  size_t offset = 0;
  while (const std::optional<TokenTrie::Match> match = trie.find(text, offset)) {
    offset = match->offset + match->length;
    const Kind& kind = kinds_.at(match->id);
    if (kind.is_control && spelled == SpelledTokens::plain) continue;
    if (kind.single_word && is_in_word(text, *match)) continue;
    cut_token(*match, kind, cut);
  }
  if (cut.offset < text.size()) cut.pieces.push_back({text.substr(cut.offset), std::nullopt});
  return std::move(cut.pieces);
}

}  // namespace runed::embed
