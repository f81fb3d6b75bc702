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

// Finds tokens by their text, while merges are turned into ids. A part of the hash beside the id
// spares most looks at the texts, which lie all over the file.
class TokenIndex {
 public:
  explicit TokenIndex(std::span<const std::string_view> tokens)
      : tokens_(tokens), slots_(std::bit_ceil(tokens.size() + tokens.size() / 2 + 1)) {
    for (size_t id = 0; id < tokens.size(); ++id) {
      Slot& slot = slot_of(tokens[id]);
      if (slot.id == kNoToken) slot.id = static_cast<TokenId>(id);
    }
  }

  std::optional<TokenId> find(std::string_view text) {
    const TokenId id = slot_of(text).id;
    return id == kNoToken ? std::nullopt : std::optional(id);
  }

 private:
  struct Slot {
    uint32_t hash = 0;
    TokenId id = kNoToken;
  };

  // The slot of a text, or the free one where it belongs, marked with its hash.
  Slot& slot_of(std::string_view text) {
    const size_t hash = std::hash<std::string_view>()(text);
    const auto mark = static_cast<uint32_t>(hash >> 32);
    for (size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[i];
      if (slot.id == kNoToken) {
        slot.hash = mark;
        return slot;
      }
      if (slot.hash == mark && tokens_[slot.id] == text) return slot;
    }
  }

  std::span<const std::string_view> tokens_;
  std::vector<Slot> slots_;
};

// The ids of a merge, or none if it is not of tokens into a token.
struct MergeIds {
  TokenId left;
  TokenId right;
  TokenId merged;
};

std::optional<MergeIds> find_merge_ids(TokenIndex& index, std::span<const std::string_view> tokens,
                                       std::string_view merge, size_t rank) {
  const size_t space = merge.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view left = merge.substr(0, space);
  const std::string_view right = merge.substr(space + 1);
  const std::optional<TokenId> left_id = index.find(left);
  const std::optional<TokenId> right_id = index.find(right);
  if (!left_id || !right_id) return std::nullopt;
  // Training numbers the tokens as it makes them, behind the bytes: the one looked for is there in
  // every vocabulary known, and the search is for the others.
  if (const size_t guess = 256 + rank; guess < tokens.size()) {
    const std::string_view token = tokens[guess];
    if (token.size() == left.size() + right.size() && token.starts_with(left) &&
        token.ends_with(right)) {
      return MergeIds{*left_id, *right_id, static_cast<TokenId>(guess)};
    }
  }
  const std::optional<TokenId> merged_id = index.find(std::string(left).append(right));
  if (!merged_id) return std::nullopt;
  return MergeIds{*left_id, *right_id, *merged_id};
}

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
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::optional<MergeIds> ids = find_merge_ids(index, tokens, merges[rank], rank);
    if (!ids) {
      return make_error(ErrorCode::model_corrupt,
                        "key 'tokenizer.ggml.merges' has '{}' at {}, which is not of tokens",
                        printable(merges[rank]), rank);
    }
    encoding.insert({pair_of(ids->left, ids->right), static_cast<uint32_t>(rank), ids->merged});
  }
  return encoding;
}

// A word that is being merged; its memory serves the next one.
class BytePairEncoding::Word {
 public:
  explicit Word(const BytePairEncoding& encoding) : encoding_(encoding) {}

  void start(std::string_view bytes);
  void merge_all();
  void append_to(std::vector<TokenId>& ids) const;

 private:
  // A list, so that a merge moves nothing.
  struct Symbol {
    TokenId id;          // kNoToken once merged into the one before.
    uint32_t previous;   // kNoSymbol at the start.
    uint32_t next;       // kNoSymbol at the end.
    const Merge* merge;  // With the next; null if there is none.
  };

  void propose(uint32_t place);

  const BytePairEncoding& encoding_;
  std::vector<Symbol> symbols_;
  std::vector<uint64_t> queue_;  // A heap of (rank, place), the least on top.
};

void BytePairEncoding::Word::start(std::string_view bytes) {
  const auto size = static_cast<uint32_t>(bytes.size());
  symbols_.clear();
  for (uint32_t i = 0; i < size; ++i) {
    const TokenId id = encoding_.byte_tokens_[static_cast<unsigned char>(bytes[i])];
    symbols_.push_back({id, i == 0 ? kNoSymbol : i - 1, i + 1 < size ? i + 1 : kNoSymbol, nullptr});
  }
  for (uint32_t i = 0; i < size; ++i) propose(i);
}

void BytePairEncoding::Word::propose(uint32_t place) {
  Symbol& symbol = symbols_[place];
  symbol.merge = symbol.next == kNoSymbol
                     ? nullptr
                     : encoding_.find_merge(symbol.id, symbols_[symbol.next].id);
  if (symbol.merge == nullptr) return;
  queue_.push_back(uint64_t{symbol.merge->rank} << 32 | place);
  std::ranges::push_heap(queue_, std::greater{});
}

void BytePairEncoding::Word::merge_all() {
  while (!queue_.empty()) {
    std::ranges::pop_heap(queue_, std::greater{});
    const auto rank = static_cast<uint32_t>(queue_.back() >> 32);
    const auto place = static_cast<uint32_t>(queue_.back());
    queue_.pop_back();
    // One of the two may have been merged since: then this is no longer the merge here.
    Symbol& left = symbols_[place];
    if (left.merge == nullptr || left.merge->rank != rank) continue;
    Symbol& right = symbols_[left.next];
    left.id = left.merge->merged;
    left.next = right.next;
    right = {kNoToken, kNoSymbol, kNoSymbol, nullptr};
    if (left.next != kNoSymbol) symbols_[left.next].previous = place;
    if (left.previous != kNoSymbol) propose(left.previous);
    propose(place);
  }
}

void BytePairEncoding::Word::append_to(std::vector<TokenId>& ids) const {
  for (const Symbol& symbol : symbols_) {
    if (symbol.id != kNoToken) ids.push_back(symbol.id);
  }
}

void BytePairEncoding::encode(std::span<const std::string_view> words,
                              std::vector<TokenId>& ids) const {
  Word word(*this);
  for (const std::string_view bytes : words) {
    word.start(bytes);
    word.merge_all();
    word.append_to(ids);
  }
}

}  // namespace runed::embed::native
