#include "embed/tokenizer/charsmap.hpp"

#include <cstring>
#include <string>
#include <vector>

#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::embed::Charsmap;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

// A trie with `a` and `ab` in it. Its units: the root, whose children are at 256 and on, `a` there
// with its own at 512 and on, and `b` behind that; each leaf's value is at the begin of its children.
std::vector<uint32_t> small_trie(uint32_t value_of_ab = 3) {
  std::vector<uint32_t> units(1024, 0xFF);
  units[0] = 256 << 10;
  units[256 ^ 'a'] = 'a' | 1 << 8 | static_cast<uint32_t>((256 ^ 'a') ^ 512) << 10;
  units[512] = 1U << 31 | 0;
  units[512 ^ 'b'] = 'b' | 1 << 8 | static_cast<uint32_t>((512 ^ 'b') ^ 768) << 10;
  units[768] = 1U << 31 | value_of_ab;
  return units;
}

std::string blob_of(const std::vector<uint32_t>& units, const std::string& replacements) {
  const auto size = static_cast<uint32_t>(units.size() * sizeof(uint32_t));
  std::string blob(sizeof size + size, '\0');
  std::memcpy(blob.data(), &size, sizeof size);
  std::memcpy(blob.data() + sizeof size, units.data(), size);
  return blob + replacements;
}

runed::Result<Charsmap> parse(const std::string& blob) {
  return Charsmap::parse(std::as_bytes(std::span(blob)));
}

const std::string kReplacements("xy\0\u00e9\0", 6);

}  // namespace

TEST_CASE("the shortest beginning that has a replacement is what is replaced") {
  const Charsmap map = unwrap(parse(blob_of(small_trie(), kReplacements)));
  CHECK(map.find("a") == "xy");
  CHECK(map.find("ab") == "xy");
  CHECK(map.find("b") == std::nullopt);
  CHECK(map.find("") == std::nullopt);
  CHECK(map.find(std::string("\0a", 2)) == std::nullopt);
  CHECK(Charsmap().find("a") == std::nullopt);
}

TEST_CASE("a longer key counts where no shorter one has a replacement") {
  std::vector<uint32_t> units = small_trie();
  units[256 ^ 'a'] &= ~(1U << 8);
  const Charsmap map = unwrap(parse(blob_of(units, kReplacements)));
  CHECK(map.find("a") == std::nullopt);
  CHECK(map.find("abc") == "\u00e9");
}

TEST_CASE("a charsmap that is cut short is refused") {
  const std::string blob = blob_of(small_trie(), kReplacements);
  const auto refusal = [](const std::string& bytes) {
    const auto error = unwrap_error(parse(bytes));
    CHECK(error.code == ErrorCode::model_corrupt);
    return error.message;
  };
  CHECK(refusal("") == "key 'tokenizer.ggml.precompiled_charsmap': it is cut short");
  CHECK(refusal(blob.substr(0, 4095)) ==
        "key 'tokenizer.ggml.precompiled_charsmap': its trie has 4096 bytes of 4091");
  CHECK(refusal(std::string(8, '\0')) ==
        "key 'tokenizer.ggml.precompiled_charsmap': its trie has 0 bytes of 4");
  CHECK(refusal(blob_of(small_trie(), "\xC3")) ==
        "key 'tokenizer.ggml.precompiled_charsmap': a replacement is not UTF-8");
}

TEST_CASE("a replacement that would make a text a thousand times as long is refused") {
  const auto blob = [](size_t bytes) {
    return blob_of(small_trie(), std::string("xy\0", 3) + std::string(bytes, 'x'));
  };
  unwrap(parse(blob(256)));
  CHECK(unwrap_error(parse(blob(257))).message ==
        "key 'tokenizer.ggml.precompiled_charsmap': a replacement has 257 bytes");
}

TEST_CASE("a trie that leads out of itself, or into a character, replaces nothing") {
  std::vector<uint32_t> units = small_trie();
  units[0] = 0x3FFFFF << 10;
  CHECK(unwrap(parse(blob_of(units, kReplacements))).find("a") == std::nullopt);
  units = small_trie();
  units.resize(512);
  CHECK(unwrap(parse(blob_of(units, kReplacements))).find("a") == std::nullopt);
  for (const uint32_t value : {4U, 1000U}) {
    units = small_trie(value);
    units[256 ^ 'a'] &= ~(1U << 8);
    CHECK(unwrap(parse(blob_of(units, kReplacements))).find("ab") == std::nullopt);
  }
}
