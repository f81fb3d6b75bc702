#include "embed/tokenizer/unigram_encoder.hpp"

#include <algorithm>
#include <limits>

#include "embed/tokenizer/grapheme.hpp"

namespace runed::embed {
namespace {

// Source: tokenizers, models/unigram/model.rs, K_UNK_PENALTY.
constexpr double kUnknownPenalty = 10;

// Source: llama.cpp, llama_token_type. Converters fill a vocabulary up with such.
constexpr int32_t kUnused = 5;

}  // namespace

UnigramEncoder::UnigramEncoder(std::span<const std::string_view> pieces,
                               std::span<const float> scores, std::span<const int32_t> types,
                               TokenId unknown)
    : scores_(scores.begin(), scores.end()), unknown_(unknown) {
  double least = std::numeric_limits<double>::infinity();
  std::vector<NumberedPiece> used;
  used.reserve(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (types[i] == kUnused) continue;
    used.push_back({pieces[i], static_cast<TokenId>(i)});
    least = std::min(least, static_cast<double>(scores[i]));
  }
  trie_ = PieceTrie(used);
  unknown_score_ = least - kUnknownPenalty;
}

void UnigramEncoder::find_ways(std::string_view text, Scratch& scratch) const {
  auto& places = scratch.places;
  places.assign(text.size() + 1, {});
  for (size_t begin = 0; begin < text.size();) {
    const double score = places[begin].score;
    const auto go = [&](size_t end, double step, TokenId id) {
      Scratch::Place& place = places[end];
      if (place.begin != Scratch::kNowhere && !(score + step > place.score)) return;
      place = {score + step, id, static_cast<uint32_t>(begin)};
    };
    const size_t next = begin + first_character(text.substr(begin)).length;
    bool is_known = false;
    trie_.for_each_prefix(text.substr(begin), [&](TokenId id, size_t length) {
      is_known = is_known || begin + length == next;
      go(begin + length, scores_[id], id);
    });
    if (!is_known) go(next, unknown_score_, unknown_);
    begin = next;
  }
}

void UnigramEncoder::encode(std::string_view text, Scratch& scratch,
                            std::vector<TokenId>& ids) const {
  find_ways(text, scratch);
  const size_t before = ids.size();
  size_t end = text.size();
  while (end > 0) {
    size_t begin = scratch.places[end].begin;
    const TokenId id = scratch.places[end].last;
    if (id != unknown_) {
      ids.push_back(id);
      end = begin;
      continue;
    }
    while (begin > 0 && scratch.places[begin].last == unknown_) begin = scratch.places[begin].begin;
    // The reference looks the characters up once more as one text.
    const TokenId whole = trie_.find(text.substr(begin, end - begin));
    ids.push_back(whole == PieceTrie::kNoPiece ? unknown_ : whole);
    end = begin;
  }
  std::reverse(ids.begin() + static_cast<ptrdiff_t>(before), ids.end());
}

}  // namespace runed::embed
