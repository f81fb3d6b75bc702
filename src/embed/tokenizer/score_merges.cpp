#include "embed/tokenizer/score_merges.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace runed::embed {
namespace {

constexpr TokenId kNoToken = TokenIndex::kNoToken;

// Longer ones are no pieces of text; the work grows with the square of a token.
constexpr size_t kMostBytes = 256;

struct Scored {
  float score;
  uint16_t left;   // Characters.
  uint16_t right;  // Likewise.
  MergeTable::Merge merge;
};

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

void add_merges(const TokenIndex& index, TokenId id, float score, std::vector<Scored>& merges) {
  const std::string token(index.tokens()[id]);  // Of a file that may be written to meanwhile.
  if (token.size() > kMostBytes || index.find(token) != id) return;
  const auto characters = static_cast<uint16_t>(std::ranges::count_if(token, begins_character));
  uint16_t left_characters = 0;
  for (size_t i = 1; i < token.size(); ++i) {
    if (!begins_character(token[i])) continue;
    ++left_characters;
    const std::string_view text = token;
    const TokenId left = index.find(text.substr(0, i));
    if (left == kNoToken) continue;
    const TokenId right = index.find(text.substr(i));
    if (right == kNoToken) continue;
    const auto right_characters = static_cast<uint16_t>(characters - left_characters);
    merges.push_back({score, left_characters, right_characters, {left, right, id}});
  }
}

}  // namespace

Result<MergeTable> merges_by_score(const TokenIndex& index, std::span<const float> scores) {
  constexpr std::string_view kKey = "tokenizer.ggml.scores";
  if (scores.size() != index.tokens().size()) {
    return make_error(ErrorCode::model_corrupt, "key '{}' has {} elements where {} were expected",
                      kKey, scores.size(), index.tokens().size());
  }
  std::vector<Scored> scored;
  scored.reserve(2 * scores.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      return make_error(ErrorCode::model_corrupt, "key '{}' has {} at {}", kKey, scores[i], i);
    }
    add_merges(index, static_cast<TokenId>(i), scores[i], scored);
  }
  std::ranges::stable_sort(scored, [](const Scored& a, const Scored& b) {
    return std::tie(a.score, a.left, a.right) > std::tie(b.score, b.left, b.right);
  });
  std::vector<MergeTable::Merge> merges;
  merges.reserve(scored.size());
  for (const Scored& each : scored) merges.push_back(each.merge);
  return MergeTable(std::move(merges));
}

}  // namespace runed::embed
