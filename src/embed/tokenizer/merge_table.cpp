#include "embed/tokenizer/merge_table.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace runed::embed {
namespace {

using Merge = MergeTable::Merge;

constexpr TokenId kNoToken = TokenIndex::kNoToken;
constexpr size_t kMergesPerUnit = 2048;

// What a merge is of, as it is spelled.
struct Parts {
  std::string_view left;
  std::string_view right;
};

std::optional<Parts> split(std::string_view merge) {
  const size_t space = merge.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return Parts{merge.substr(0, space), merge.substr(space + 1)};
}

// Training numbers the tokens as it makes them, behind the bytes: the one looked for is there in
// most vocabularies known. Gives kNoToken in others, where it is to be searched.
TokenId guess_merged(std::span<const std::string_view> tokens, const Parts& parts, size_t rank) {
  const size_t guess = 256 + rank;
  if (guess >= tokens.size()) return kNoToken;
  const std::string_view token = tokens[guess];
  const bool is_it = token.size() == parts.left.size() + parts.right.size() &&
                     token.starts_with(parts.left) && token.ends_with(parts.right);
  return is_it ? static_cast<TokenId>(guess) : kNoToken;
}

// Finds what can be found without allocating: a unit must not throw.
std::vector<Merge> find_parts(const TokenIndex& index, std::span<const std::string_view> merges,
                              const RunUnits& run_units) {
  std::vector<Merge> found(merges.size(), {kNoToken, kNoToken, kNoToken});
  const size_t units = (merges.size() + kMergesPerUnit - 1) / kMergesPerUnit;
  const auto find_of_unit = [&](size_t unit) noexcept {
    const size_t end = std::min(merges.size(), (unit + 1) * kMergesPerUnit);
    for (size_t rank = unit * kMergesPerUnit; rank < end; ++rank) {
      const std::optional<Parts> parts = split(merges[rank]);
      if (!parts) continue;
      found[rank] = {index.find(parts->left), index.find(parts->right),
                     guess_merged(index.tokens(), *parts, rank)};
    }
  };
  if (run_units) {
    run_units(units, find_of_unit);
  } else {
    for (size_t unit = 0; unit < units; ++unit) find_of_unit(unit);
  }
  return found;
}

}  // namespace

MergeTable::MergeTable(std::vector<Merge> merges)
    : merges_(std::move(merges)), ranks_(merges_.size()) {
  for (size_t rank = merges_.size(); rank-- > 0;) {
    const Merge& merge = merges_[rank];
    ranks_.insert(hash_of_pair(merge.left, merge.right), static_cast<uint32_t>(rank),
                  is_of(merge.left, merge.right));
  }
}

Result<MergeTable> MergeTable::create(const TokenIndex& index,
                                      std::span<const std::string_view> merges,
                                      const RunUnits& run_units) {
  std::vector<Merge> found = find_parts(index, merges, run_units);
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    Merge& merge = found[rank];
    const bool has_parts = merge.left != kNoToken && merge.right != kNoToken;
    if (has_parts && merge.merged == kNoToken) {
      // Read again, from a file that may have been written to meanwhile.
      if (const std::optional<Parts> parts = split(merges[rank])) {
        merge.merged = index.find(std::string(parts->left).append(parts->right));
      }
    }
    if (merge.merged == kNoToken || !has_parts) {
      return make_error(ErrorCode::model_corrupt,
                        "key 'tokenizer.ggml.merges' has '{}' at {}, which is not of tokens",
                        printable(merges[rank]), rank);
    }
  }
  return MergeTable(std::move(found));
}

}  // namespace runed::embed
