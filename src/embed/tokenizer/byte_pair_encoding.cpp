#include "embed/tokenizer/byte_pair_encoding.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "base/check.hpp"
#include "base/text.hpp"

namespace runed::embed {
namespace {

constexpr TokenId kNoToken = NumberTable::kNone;
constexpr uint32_t kNoRank = NumberTable::kNone;
constexpr uint32_t kNoSymbol = std::numeric_limits<uint32_t>::max();
constexpr size_t kMergesPerUnit = 2048;

// Odd, and with as many ones as zeros. Source: wyhash, _wyp.
constexpr uint64_t kFirstSecret = 0xA0761D6478BD642FU;
constexpr uint64_t kSecondSecret = 0xE7037ED1A0B428DBU;

template <typename Word>
uint64_t load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Most tokens are of 3 to 12 bytes: one or two multiplications, where std::hash calls a function.
uint64_t hash_of(std::string_view text) {
  const char* data = text.data();
  const size_t size = text.size();
  uint64_t hash = size * kFirstSecret;
  if (size >= 8) {
    for (size_t i = 0; i + 8 < size; i += 8) {
      hash = fold(hash ^ load<uint64_t>(data + i), kFirstSecret);
    }
    return fold(hash ^ load<uint64_t>(data + size - 8), kSecondSecret);
  }
  if (size >= 4) {
    const uint64_t ends = load<uint32_t>(data) << 32 | load<uint32_t>(data + size - 4);
    return fold(hash ^ ends, kSecondSecret);
  }
  if (size == 0) return 0;
  const uint64_t bytes = load<uint8_t>(data) << 16 | load<uint8_t>(data + size / 2) << 8 |
                         load<uint8_t>(data + size - 1);
  return fold(hash ^ bytes, kSecondSecret);
}

uint64_t hash_of(TokenId left, TokenId right) {
  return fold(uint64_t{left} << 32 | right, kFirstSecret);
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
// every vocabulary known. Gives kNoToken in others, where it is to be searched.
TokenId guess_merged(std::span<const std::string_view> tokens, const Parts& parts, size_t rank) {
  const size_t guess = 256 + rank;
  if (guess >= tokens.size()) return kNoToken;
  const std::string_view token = tokens[guess];
  const bool is_it = token.size() == parts.left.size() + parts.right.size() &&
                     token.starts_with(parts.left) && token.ends_with(parts.right);
  return is_it ? static_cast<TokenId>(guess) : kNoToken;
}

}  // namespace

// Finds tokens by their text, while merges are turned into ids. Of equal tokens, the first.
class BytePairEncoding::TokenIndex {
  auto is_spelled(std::string_view text) const {
    return [this, text](TokenId id) { return tokens_[id] == text; };
  }

 public:
  explicit TokenIndex(std::span<const std::string_view> tokens)
      : tokens_(tokens), ids_(tokens.size()) {
    for (size_t id = 0; id < tokens.size(); ++id) {
      ids_.insert(hash_of(tokens[id]), static_cast<TokenId>(id), is_spelled(tokens[id]));
    }
  }

  // Its id, or kNoToken.
  TokenId find(std::string_view text) const { return ids_.find(hash_of(text), is_spelled(text)); }

  std::span<const std::string_view> tokens() const { return tokens_; }

 private:
  std::span<const std::string_view> tokens_;
  NumberTable ids_;
};

Status BytePairEncoding::find_byte_tokens(const TokenIndex& index) {
  const std::array<std::string, 256> characters = byte_characters();
  for (size_t byte = 0; byte < characters.size(); ++byte) {
    byte_tokens_[byte] = index.find(characters[byte]);
    if (byte_tokens_[byte] != kNoToken) continue;
    return make_error(ErrorCode::model_unsupported,
                      "key 'tokenizer.ggml.tokens' has no token '{}' for byte {:#04x}",
                      characters[byte], byte);
  }
  return {};
}

// Finds what can be found without allocating: a unit must not throw.
void BytePairEncoding::find_parts(const TokenIndex& index, std::span<const std::string_view> merges,
                                  const RunUnits& run_units) {
  merges_.assign(merges.size(), {kNoToken, kNoToken, kNoToken});
  const size_t units = (merges.size() + kMergesPerUnit - 1) / kMergesPerUnit;
  const auto find_of_unit = [&](size_t unit) noexcept {
    const size_t end = std::min(merges.size(), (unit + 1) * kMergesPerUnit);
    for (size_t rank = unit * kMergesPerUnit; rank < end; ++rank) {
      const std::optional<Parts> parts = split(merges[rank]);
      if (!parts) continue;
      merges_[rank] = {index.find(parts->left), index.find(parts->right),
                       guess_merged(index.tokens(), *parts, rank)};
    }
  };
  if (run_units) {
    run_units(units, find_of_unit);
  } else {
    for (size_t unit = 0; unit < units; ++unit) find_of_unit(unit);
  }
}

Status BytePairEncoding::index_merges(const TokenIndex& index,
                                      std::span<const std::string_view> merges) {
  ranks_ = NumberTable(merges.size());
  for (uint32_t rank = 0; rank < merges.size(); ++rank) {
    Merge& merge = merges_[rank];
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
    ranks_.insert(hash_of(merge.left, merge.right), rank, is_of(merge.left, merge.right));
  }
  return {};
}

Result<BytePairEncoding> BytePairEncoding::create(std::span<const std::string_view> tokens,
                                                  std::span<const std::string_view> merges,
                                                  const RunUnits& run_units) {
  CHECK(tokens.size() < kNoToken);
  BytePairEncoding encoding;
  const TokenIndex index(tokens);
  TRY(encoding.find_byte_tokens(index));
  encoding.find_parts(index, merges, run_units);
  TRY(encoding.index_merges(index, merges));
  return encoding;
}

uint32_t BytePairEncoding::find_rank(TokenId left, TokenId right) const {
  return ranks_.find(hash_of(left, right), is_of(left, right));
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
    TokenId id;         // kNoToken once merged into the one before.
    uint32_t previous;  // kNoSymbol at the start.
    uint32_t next;      // kNoSymbol at the end.
    uint32_t rank;      // Of the merge with the next; kNoRank if there is none.
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
    symbols_.push_back({id, i == 0 ? kNoSymbol : i - 1, i + 1 < size ? i + 1 : kNoSymbol, kNoRank});
  }
  for (uint32_t i = 0; i < size; ++i) propose(i);
}

void BytePairEncoding::Word::propose(uint32_t place) {
  Symbol& symbol = symbols_[place];
  symbol.rank =
      symbol.next == kNoSymbol ? kNoRank : encoding_.find_rank(symbol.id, symbols_[symbol.next].id);
  if (symbol.rank == kNoRank) return;
  queue_.push_back(uint64_t{symbol.rank} << 32 | place);
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
    if (left.rank != rank) continue;
    Symbol& right = symbols_[left.next];
    left.id = encoding_.merges_[rank].merged;
    left.next = right.next;
    right = {kNoToken, kNoSymbol, kNoSymbol, kNoRank};
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

}  // namespace runed::embed
