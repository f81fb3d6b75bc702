#include "embed/tokenizer/token_index.hpp"

#include <cstddef>
#include <cstring>

#include "base/check.hpp"

namespace runed::embed {
namespace {

// Odd, and with as many ones as zeros. Source: wyhash, _wyp.
constexpr uint64_t kFirstSecret = 0xA0761D6478BD642FU;
constexpr uint64_t kSecondSecret = 0xE7037ED1A0B428DBU;

template <typename Word>
uint64_t load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

}  // namespace

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

TokenIndex::TokenIndex(std::span<const std::string_view> tokens)
    : tokens_(tokens), ids_(tokens.size()) {
  CHECK(tokens.size() < kNoToken);
  for (size_t id = 0; id < tokens.size(); ++id) {
    ids_.insert(hash_of(tokens[id]), static_cast<TokenId>(id), is_spelled(tokens[id]));
  }
}

TokenId TokenIndex::find(std::string_view text) const {
  return ids_.find(hash_of(text), is_spelled(text));
}

}  // namespace runed::embed
