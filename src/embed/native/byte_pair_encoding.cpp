#include "embed/native/byte_pair_encoding.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "base/check.hpp"
#include "base/text.hpp"

namespace runed::embed::native {
namespace {

constexpr uint64_t kNoPair = std::numeric_limits<uint64_t>::max();
constexpr TokenId kNoToken = std::numeric_limits<TokenId>::max();
constexpr uint32_t kNoSymbol = std::numeric_limits<uint32_t>::max();

constexpr uint64_t pair_of(TokenId left, TokenId right) {
  return uint64_t{left} << 32 | right;
}

// The character that stands for a byte in a vocabulary: itself where it is visible in Latin-1, the
// next one from U+0100 on where it is not. As UTF-8, which takes two bytes at most.
std::array<std::string, 256> byte_characters() {
  std::array<std::string, 256> characters;
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool visible = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    const uint32_t point = visible ? byte : next++;
    if (point >= 0x80) characters[byte] += static_cast<char>(0xC0 | point >> 6);
    characters[byte] += static_cast<char>(point < 0x80 ? point : 0x80 | (point & 0x3F));
  }
  return characters;
}

// Finds tokens by their text, while merges are turned into ids. Half the time and a quarter of the
// memory of std::unordered_map.
class TokenIndex {
 public:
  explicit TokenIndex(std::span<const std::string_view> tokens)
      : tokens_(tokens), slots_(std::bit_ceil(tokens.size() * 2 + 1), kNoToken) {
    for (size_t id = 0; id < tokens.size(); ++id) {
      TokenId& slot = slot_of(tokens[id]);
      if (slot == kNoToken) slot = static_cast<TokenId>(id);
    }
  }

  std::optional<TokenId> find(std::string_view text) {
    const TokenId id = slot_of(text);
    return id == kNoToken ? std::nullopt : std::optional(id);
  }

 private:
  TokenId& slot_of(std::string_view text) {
    size_t slot = std::hash<std::string_view>()(text) & (slots_.size() - 1);
    while (slots_[slot] != kNoToken && tokens_[slots_[slot]] != text) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    return slots_[slot];
  }

  std::span<const std::string_view> tokens_;
  std::vector<TokenId> slots_;
};

// One token of a word that is being merged; a list, so that a merge moves nothing.
struct Symbol {
  TokenId id;         // kNoToken once merged into the one before.
  uint32_t previous;  // kNoSymbol at the start.
  uint32_t next;      // kNoSymbol at the end.
};

}  // namespace

size_t BytePairEncoding::slot_of(uint64_t pair) const {
  return (pair * 0x9E3779B97F4A7C15U) >> shift_;  // Fibonacci hashing: Knuth, volume 3, 6.4.
}

void BytePairEncoding::reserve(size_t merges) {
  const size_t slots = std::bit_ceil(std::max<size_t>(16, merges + merges / 2));
  table_.assign(slots, Merge{kNoPair, 0, kNoToken});
  shift_ = 64 - std::countr_zero(slots);
}

void BytePairEncoding::insert(const Merge& merge) {
  size_t slot = slot_of(merge.pair);
  while (table_[slot].pair != kNoPair) {
    if (table_[slot].pair == merge.pair) return;
    slot = (slot + 1) & (table_.size() - 1);
  }
  table_[slot] = merge;
}

const BytePairEncoding::Merge* BytePairEncoding::find_merge(TokenId left, TokenId right) const {
  const uint64_t pair = pair_of(left, right);
  size_t slot = slot_of(pair);
  while (table_[slot].pair != pair) {
    if (table_[slot].pair == kNoPair) return nullptr;
    slot = (slot + 1) & (table_.size() - 1);
  }
  return &table_[slot];
}

Result<BytePairEncoding> BytePairEncoding::create(std::span<const std::string_view> tokens,
                                                  std::span<const std::string_view> merges) {
  CHECK(tokens.size() < kNoToken);
  BytePairEncoding encoding;
  TokenIndex index(tokens);
  const std::array<std::string, 256> characters = byte_characters();
  for (size_t byte = 0; byte < characters.size(); ++byte) {
    const std::optional<TokenId> id = index.find(characters[byte]);
    if (!id) {
      return make_error(ErrorCode::model_unsupported,
                        "key 'tokenizer.ggml.tokens' has no token '{}' for byte {:#04x}",
                        characters[byte], byte);
    }
    encoding.byte_tokens_[byte] = *id;
  }
  encoding.reserve(merges.size());
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view merge = merges[rank];
    const size_t space = std::min(merge.find(' '), merge.size());
    const std::string_view right = merge.substr(std::min(space + 1, merge.size()));
    joined.assign(merge.substr(0, space)).append(right);
    const std::optional<TokenId> left_id = index.find(merge.substr(0, space));
    const std::optional<TokenId> right_id = index.find(right);
    const std::optional<TokenId> merged_id = index.find(joined);
    if (!left_id || !right_id || !merged_id) {
      return make_error(ErrorCode::model_corrupt,
                        "key 'tokenizer.ggml.merges' has '{}' at {}, which is not of tokens",
                        printable(merge), rank);
    }
    encoding.insert({pair_of(*left_id, *right_id), static_cast<uint32_t>(rank), *merged_id});
  }
  return encoding;
}

void BytePairEncoding::encode(std::string_view word, std::vector<TokenId>& ids) const {
  const auto size = static_cast<uint32_t>(word.size());
  std::vector<Symbol> symbols(size);
  std::vector<uint64_t> queue;  // Merges that may be done, as (rank, place): the least is the next.
  queue.reserve(size);
  const auto find_merge_at = [&](uint32_t place) -> const Merge* {
    const uint32_t next = symbols[place].next;
    return next == kNoSymbol ? nullptr : find_merge(symbols[place].id, symbols[next].id);
  };
  const auto propose = [&](uint32_t place) {
    if (const Merge* merge = find_merge_at(place)) {
      queue.push_back(uint64_t{merge->rank} << 32 | place);
      std::ranges::push_heap(queue, std::greater{});
    }
  };
  for (uint32_t i = 0; i < size; ++i) {
    symbols[i] = {byte_tokens_[static_cast<unsigned char>(word[i])], i == 0 ? kNoSymbol : i - 1,
                  i + 1 == size ? kNoSymbol : i + 1};
  }
  for (uint32_t i = 0; i < size; ++i) propose(i);
  while (!queue.empty()) {
    std::ranges::pop_heap(queue, std::greater{});
    const auto rank = static_cast<uint32_t>(queue.back() >> 32);
    const auto place = static_cast<uint32_t>(queue.back());
    queue.pop_back();
    // One of the two may have been merged since: then the pair, and its rank, is another.
    const Merge* merge = find_merge_at(place);
    if (merge == nullptr || merge->rank != rank) continue;
    Symbol& left = symbols[place];
    Symbol& right = symbols[left.next];
    left.id = merge->merged;
    left.next = right.next;
    right = {kNoToken, kNoSymbol, kNoSymbol};
    if (left.next != kNoSymbol) symbols[left.next].previous = place;
    if (left.previous != kNoSymbol) propose(left.previous);
    propose(place);
  }
  for (const Symbol& symbol : symbols) {
    if (symbol.id != kNoToken) ids.push_back(symbol.id);
  }
}

}  // namespace runed::embed::native
