#include "embed/tokenizer/word_piece_encoder.hpp"

#include <algorithm>
#include <array>

namespace runed::embed {
namespace {

constexpr std::string_view kWordMark = "\u2581";

// Source: llama.cpp, llama_token_type.
constexpr int32_t kControl = 3;
constexpr int32_t kUnused = 5;

bool is_inside_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

bool is_too_long(std::string_view word) {
  return word.size() > WordPieceNormalizer::kMostCharacters &&
         word.size() - static_cast<size_t>(std::ranges::count_if(word, is_inside_character)) >
             WordPieceNormalizer::kMostCharacters;
}

// A hash that grows with its text, so that one run over a word has those of all its beginnings.
constexpr uint64_t grown(uint64_t state, char byte) {
  return (state + static_cast<unsigned char>(byte) + 1) * 0x9E3779B97F4A7C15;
}

constexpr uint64_t hash_of(uint64_t state) {
  return fold(state ^ 0xA0761D6478BD642F, 0xE7037ED1A0B428DB);
}

}  // namespace

WordPiece spelled(std::string_view token, int32_t type) {
  if (type == kControl) return {token, true};
  // Alone it is the character itself: no token that begins a word is empty.
  if (!token.starts_with(kWordMark) || token == kWordMark) return {token, false};
  return {token.substr(kWordMark.size()), true};
}

WordPieceEncoder::WordPieceEncoder(std::span<const std::string_view> tokens,
                                   std::span<const int32_t> types, TokenId unknown)
    : unknown_(unknown) {
  std::vector<WordPiece> pieces;
  pieces.reserve(tokens.size());
  begins_.reserve(tokens.size() + 1);
  size_t initial = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    pieces.push_back(spelled(tokens[i], types[i]));
    if (pieces.back().is_initial) ++initial;
    begins_.push_back(texts_.size());
    texts_ += pieces.back().text;
  }
  begins_.push_back(texts_.size());
  initial_.ids = NumberTable(initial);
  continuing_.ids = NumberTable(tokens.size() - initial);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (types[i] == kUnused) continue;
    const auto id = static_cast<TokenId>(i);
    add({text_of(id), pieces[i].is_initial}, id);
  }
}

void WordPieceEncoder::add(const WordPiece& piece, TokenId id) {
  if (piece.text.empty() || piece.text.size() > kMostBytes) return;  // No word has it.
  Pieces& pieces = piece.is_initial ? initial_ : continuing_;
  uint64_t state = 0;
  for (const char byte : piece.text) state = grown(state, byte);
  pieces.ids.insert(hash_of(state), id,
                    [&](uint32_t other) { return text_of(other) == piece.text; });
  pieces.has_length.set(piece.text.size());
  pieces.longest = std::max(pieces.longest, piece.text.size());
}

void WordPieceEncoder::encode(std::string_view word, std::vector<TokenId>& ids) const {
  const size_t before = ids.size();
  bool is_known = !is_too_long(word);
  const Pieces* pieces = &initial_;
  while (is_known && !word.empty()) {
    const Match match = find_longest(*pieces, word);
    is_known = match.length > 0;
    ids.push_back(match.id);
    word.remove_prefix(match.length);
    pieces = &continuing_;
  }
  if (is_known) return;
  ids.resize(before);
  ids.push_back(unknown_);
}

WordPieceEncoder::Match WordPieceEncoder::find_longest(const Pieces& pieces,
                                                       std::string_view text) const {
  std::array<uint64_t, kMostBytes + 1> states;  // By length; only as far as the longest token.
  const size_t longest = std::min(text.size(), pieces.longest);
  states[0] = 0;
  for (size_t i = 0; i < longest; ++i) states[i + 1] = grown(states[i], text[i]);
  for (size_t length = longest; length > 0; --length) {
    if (!pieces.has_length[length]) continue;
    if (length < text.size() && is_inside_character(text[length])) continue;
    const uint32_t id = pieces.ids.find(hash_of(states[length]), [&](uint32_t other) {
      return text_of(other) == text.substr(0, length);
    });
    if (id != NumberTable::kNone) return {length, id};
  }
  return {};
}

}  // namespace runed::embed
