// Any bytes as a text, on small vocabularies. What is not UTF-8 is refused. Of the rest, byte-pair
// ids spell the text again, in form C between special tokens; words of WordPiece are the words of
// themselves, and have the ids that a search without an index finds; no way to cut a stretch of
// Unigram has a greater sum than that of its ids, and clusters are the text. Gemma's ids spell the text
// with marks for spaces, and added tokens stand where they are spelled, with white space beside them.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/text.hpp"
#include "embed/model/model_recognition.hpp"
#include "embed/tokenizer/byte_pair_tokenizer.hpp"
#include "embed/tokenizer/grapheme.hpp"
#include "embed/tokenizer/nfc.hpp"
#include "embed/tokenizer/sentence_piece_tokenizer.hpp"
#include "embed/tokenizer/special_tokens.hpp"
#include "embed/tokenizer/unigram_encoder.hpp"
#include "embed/tokenizer/unigram_normalizer.hpp"
#include "embed/tokenizer/word_piece_tokenizer.hpp"
#include "support/gguf_builder.hpp"

using runed::embed::BytePairTokenizer;
using runed::embed::Gguf;
using runed::embed::recognise_model;
using runed::embed::SentencePieceTokenizer;
using runed::embed::SpecialTokens;
using runed::embed::SpelledTokens;
using runed::embed::to_nfc;
using runed::embed::TokenId;
using runed::embed::UnigramEncoder;
using runed::embed::UnigramNormalizer;
using runed::embed::WordPieceNormalizer;
using runed::embed::WordPieceTokenizer;

namespace {

constexpr TokenId kTool = 260;
constexpr TokenId kEos = 261;

struct Loaded {
  Loaded() {
    const auto gguf = Gguf::parse(file);
    CHECK(gguf.has_value());
    const auto spec = recognise_model(*gguf, {}, {});
    CHECK(spec.has_value());
    auto created = BytePairTokenizer::create(*gguf, spec->frame);
    CHECK(created.has_value());
    tokenizer = std::move(created).value();
  }

  std::vector<std::byte> file = runed::test::small_qwen3().build();
  std::unique_ptr<BytePairTokenizer> tokenizer;
};

std::string spell(TokenId id) {
  switch (id) {
    case 256:
      return "ab";
    case 257:
      return "abc";
    case 258:
      return "bc";
    case 259:
      return " a";
    case kTool:
      return "<tool>";
    case kEos:
      return "<|endoftext|>";
    default:
      CHECK(id < 256);
      return std::string(1, static_cast<char>(id));
  }
}

void check_form_c(std::string_view text) {
  std::string storage;
  CHECK(to_nfc(text, storage) == text);
}

const std::vector<std::string> kPieces{
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁a",     "▁ab",     "b", "bc", "▁[",
    "▁]",    "▁cls",  "▁中",   "▁é",    "▁e",     "\u1161", "▁\u1100", "0", "▁0", "▁.",
};
constexpr TokenId kUnknown = 1;
constexpr TokenId kFirstOrdinary = 5;

std::vector<std::string> words_of(std::string_view text, const WordPieceNormalizer& normalizer) {
  std::vector<std::string> words;
  normalizer.for_each_word(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

std::vector<TokenId> encode(std::string_view word) {
  constexpr std::string_view kWordMark = "▁";
  std::vector<TokenId> ids;
  const auto inside = std::ranges::count_if(word, [](char c) { return (c & 0xC0) == 0x80; });
  if (word.size() - static_cast<size_t>(inside) > WordPieceNormalizer::kMostCharacters) {
    return {kUnknown};
  }
  while (!word.empty()) {
    size_t longest = 0;
    TokenId best = kUnknown;
    for (TokenId id = kFirstOrdinary; id < kPieces.size(); ++id) {
      std::string_view piece = kPieces[id];
      const bool is_initial = piece.starts_with(kWordMark);
      if (is_initial) piece.remove_prefix(kWordMark.size());
      if (is_initial != ids.empty() || piece.size() <= longest || !word.starts_with(piece))
        continue;
      longest = piece.size();
      best = id;
    }
    if (longest == 0) return {kUnknown};
    ids.push_back(best);
    word.remove_prefix(longest);
  }
  return ids;
}

// Of a mark that parts others nothing is left: the second time those change places.
std::vector<std::string> with_sorted_bytes(std::vector<std::string> words) {
  for (std::string& word : words) std::ranges::sort(word);
  return words;
}

void check_words(std::string_view text, const WordPieceNormalizer& normalizer) {
  const std::vector<std::string> words = words_of(text, normalizer);
  std::string again;
  for (const std::string& word : words) again += word + " ";
  CHECK(with_sorted_bytes(words_of(again, normalizer)) == with_sorted_bytes(words));
}

void check_word_piece(std::string_view text) {
  static const auto file = runed::test::small_word_piece(kPieces).build();
  static const auto tokenizer =
      WordPieceTokenizer::create(Gguf::parse(file).value(), {.before = {2}, .after = {3}}).value();
  const auto ids = tokenizer->tokenize(text);
  CHECK(ids.has_value() == !runed::find_invalid_utf8(text).has_value());
  if (!ids.has_value()) return;
  static const WordPieceNormalizer uncased({});
  static const WordPieceNormalizer with_accents({.strip_accents = false});
  static const WordPieceNormalizer bare(
      {.clean_text = false, .split_cjk = false, .lowercase = false});
  for (const auto* normalizer : {&uncased, &with_accents, &bare}) check_words(text, *normalizer);
  const bool has_special = std::ranges::any_of(
      kPieces, [&](const auto& piece) { return text.find(piece) != text.npos && piece[0] == '['; });
  if (has_special) return;
  std::vector<TokenId> expected{2};
  for (const std::string& word : words_of(text, uncased)) {
    for (const TokenId id : encode(word)) expected.push_back(id);
  }
  expected.push_back(3);
  CHECK(*ids == expected);
}

constexpr double kUnknownScore = -5 - 10;
const std::vector<std::pair<std::string_view, float>> kScored{
    {"<unk>", 0}, {"\u2581", -2}, {"a", -3},    {"\u2581a", -4}, {"ab", -4.5F},
    {"abc", -5},  {"bc", -4},     {"b", -3.5F}, {"\u00e9", -4},  {" the", -5}};

// The best sum of all ways to cut a text, by the definition.
double best_sum(std::string_view text) {
  std::vector<double> best(text.size() + 1, -1e300);
  best[0] = 0;
  for (size_t begin = 0; begin < text.size(); ++begin) {
    if ((static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) continue;
    const size_t next = begin + runed::embed::first_character(text.substr(begin)).length;
    bool is_known = false;
    for (const auto& [piece, score] : kScored) {
      if (!text.substr(begin).starts_with(piece)) continue;
      is_known = is_known || piece.size() == next - begin;
      double& end = best[begin + piece.size()];
      end = std::max(end, best[begin] + static_cast<double>(score));
    }
    if (!is_known) best[next] = std::max(best[next], best[begin] + kUnknownScore);
  }
  return best.back();
}

void check_clusters(std::string_view text) {
  while (!text.empty()) {
    const size_t length = runed::embed::first_cluster(text);
    CHECK(length > 0 && length <= text.size());
    CHECK(!runed::find_invalid_utf8(text.substr(0, length)).has_value());
    text.remove_prefix(length);
  }
}

// An unknown token stands for characters, of which only their number counts.
double sum_of(std::string_view stretch, const std::vector<TokenId>& ids) {
  double sum = 0;
  size_t known = 0;
  for (const TokenId id : ids) {
    if (id == 0) continue;
    sum += static_cast<double>(kScored[id].second);
    known += kScored[id].first.size();
  }
  CHECK(known <= stretch.size());
  return sum;
}

void check_unigram(std::string_view text) {
  if (runed::find_invalid_utf8(text)) return;
  check_clusters(text);
  static const auto encoder = [] {
    std::vector<std::string_view> pieces;
    std::vector<float> scores;
    for (const auto& [piece, score] : kScored) {
      pieces.push_back(piece);
      scores.push_back(score);
    }
    return UnigramEncoder(pieces, scores, std::vector<int32_t>(pieces.size(), 1), 0);
  }();
  static const UnigramNormalizer normalizer({}, {});
  UnigramEncoder::Scratch scratch;
  normalizer.for_each_stretch(text, [&](std::string_view stretch) {
    std::vector<TokenId> ids;
    encoder.encode(stretch, scratch, ids);
    CHECK(!ids.empty());
    const double sum = sum_of(stretch, ids);
    const double best = best_sum(stretch);
    // What is left is a whole number of unknown characters, and none where no token is unknown.
    const double unknown = (best - sum) / kUnknownScore;
    CHECK(unknown >= 0 && unknown == std::floor(unknown));
    CHECK((unknown == 0) == (std::ranges::find(ids, TokenId{0}) == ids.end()));
  });
}

std::vector<std::string> character_tokens() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(fmt::format("<0x{:02X}>", byte));
  tokens.insert(tokens.end(), {"<tool>", "▁▁", "▁", "a", "b", "▁a", "ab", "é", "▁▁a", "\n\n"});
  return tokens;
}

void check_sentence_piece(std::string_view text) {
  static const std::vector<std::string> tokens = character_tokens();
  static const auto tokenizer = [] {
    std::vector<int32_t> types(tokens.size(), 1);
    std::vector<float> scores;
    for (size_t id = 0; id < tokens.size(); ++id) scores.push_back(-1 - static_cast<float>(id % 7));
    types[256] = 3;
    types[257] = types.back() = 4;
    const auto file = runed::test::GgufBuilder()
                          .set("tokenizer.ggml.tokens", tokens)
                          .set("tokenizer.ggml.token_type", types)
                          .set("tokenizer.ggml.scores", scores)
                          .set("tokenizer.ggml.add_space_prefix", false)
                          .build();
    return SentencePieceTokenizer::create(Gguf::parse(file).value(), {}).value();
  }();
  std::string marked;
  for (const char c : text) marked += c == ' ' ? "▁" : std::string(1, c);
  for (const auto mode : {SpelledTokens::parsed, SpelledTokens::plain}) {
    std::vector<TokenId> ids;
    if (!tokenizer->append(text, mode, ids).has_value()) return;
    std::string spelled;
    for (const TokenId id : ids) {
      spelled += id < 256 ? std::string(1, static_cast<char>(id)) : tokens.at(id);
    }
    CHECK(spelled == marked);
  }
}

void check_special(std::string_view text) {
  if (runed::find_invalid_utf8(text).has_value()) return;
  static const std::vector<std::string_view> tokens{"<l>", "<r>", " ", "ab", "abc", "[SEP]"};
  static const std::vector<int32_t> types{3, 3, 4, 4, 4, 3};
  static const auto plain = SpecialTokens::create(tokens, types).value();
  static const auto flagged =
      SpecialTokens::create(tokens, types, {.lstrip = {0}, .rstrip = {1}, .single_word = {3}})
          .value();
  for (const auto mode : {SpelledTokens::parsed, SpelledTokens::plain}) {
    std::string spelled;
    for (const auto& piece : plain.split(text, SpecialTokens::Pass::raw, mode)) {
      CHECK(!piece.id || piece.text == tokens[*piece.id]);
      spelled += piece.text;
    }
    CHECK(spelled == text);
    for (const auto& piece : flagged.split(text, SpecialTokens::Pass::raw, mode)) {
      CHECK(!piece.text.empty());
      CHECK(!runed::find_invalid_utf8(piece.text).has_value());
      CHECK(!piece.id || piece.text.find(tokens[*piece.id]) != piece.text.npos);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Loaded loaded;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_word_piece(text);
  check_unigram(text);
  check_sentence_piece(text);
  check_special(text);
  const auto ids = loaded.tokenizer->tokenize(text);
  CHECK(ids.has_value() == !runed::find_invalid_utf8(text).has_value());
  if (!ids.has_value()) return 0;
  CHECK(ids->back() == kEos);
  std::string spelled;
  std::string segment;
  for (const TokenId id : std::span(*ids).first(ids->size() - 1)) {
    spelled += spell(id);
    segment += spell(id);
    if (id != kTool && id != kEos) continue;
    segment.resize(segment.size() - spell(id).size());
    check_form_c(segment);
    segment.clear();
  }
  check_form_c(segment);
  std::string storage;
  if (to_nfc(text, storage) == text) CHECK(spelled == text);
  return 0;
}
