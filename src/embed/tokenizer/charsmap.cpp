#include "embed/tokenizer/charsmap.hpp"

#include <cstring>

#include "base/text.hpp"

namespace runed::embed {
namespace {

// A unit of the double array. Source: Darts-clone, DoubleArrayUnit.
constexpr bool has_leaf(uint32_t unit) {
  return ((unit >> 8) & 1) == 1;
}
constexpr uint32_t value_of(uint32_t unit) {
  return unit & 0x7FFFFFFF;
}
constexpr uint32_t label_of(uint32_t unit) {
  return unit & (0x80000000 | 0xFF);
}
constexpr uint32_t offset_of(uint32_t unit) {
  return (unit >> 10) << ((unit & 512) >> 6);
}

Error damaged(std::string_view what) {
  return make_error(ErrorCode::model_corrupt, "key 'tokenizer.ggml.precompiled_charsmap': {}",
                    what);
}

}  // namespace

Result<Charsmap> Charsmap::parse(std::span<const std::byte> blob) {
  uint32_t trie_size = 0;
  if (blob.size() < sizeof trie_size) return damaged("it is cut short");
  std::memcpy(&trie_size, blob.data(), sizeof trie_size);
  blob = blob.subspan(sizeof trie_size);
  if (trie_size == 0 || trie_size % sizeof(uint32_t) != 0 || trie_size > blob.size()) {
    return damaged(fmt::format("its trie has {} bytes of {}", trie_size, blob.size()));
  }
  Charsmap map;
  map.units_.resize(trie_size / sizeof(uint32_t));
  std::memcpy(map.units_.data(), blob.data(), trie_size);
  blob = blob.subspan(trie_size);
  map.replacements_.assign(reinterpret_cast<const char*>(blob.data()), blob.size());
  // NUL is a character of its own, so that all of them are checked at once.
  if (find_invalid_utf8(map.replacements_)) return damaged("a replacement is not UTF-8");
  map.replacements_ += '\0';
  // One character of a text must not become a megabyte of it.
  constexpr size_t kMostBytes = 256;
  for (size_t begin = 0; begin < map.replacements_.size();) {
    const size_t end = map.replacements_.find('\0', begin);
    if (end - begin > kMostBytes) {
      return damaged(fmt::format("a replacement has {} bytes", end - begin));
    }
    begin = end + 1;
  }
  return map;
}

std::optional<std::string_view> Charsmap::find(std::string_view text) const {
  if (units_.empty()) return std::nullopt;
  size_t node = offset_of(units_[0]);
  for (const char byte : text) {
    const auto label = static_cast<unsigned char>(byte);
    if (label == 0) return std::nullopt;
    node ^= label;
    if (node >= units_.size() || label_of(units_[node]) != label) return std::nullopt;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!has_leaf(unit)) continue;
    // A trie that lies may lead anywhere, into the middle of a character too.
    if (node >= units_.size() || value_of(units_[node]) >= replacements_.size()) {
      return std::nullopt;
    }
    const char* replacement = replacements_.data() + value_of(units_[node]);
    if ((static_cast<unsigned char>(*replacement) & 0xC0) == 0x80) return std::nullopt;
    return replacement;
  }
  return std::nullopt;
}

}  // namespace runed::embed
