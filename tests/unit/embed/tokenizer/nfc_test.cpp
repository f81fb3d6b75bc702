#include "embed/tokenizer/nfc.hpp"

#include <utf8proc.h>

#include <array>
#include <cstdlib>

#include "support/catch.hpp"

using runed::embed::to_nfc;

namespace {

std::string nfc(std::string_view text) {
  std::string storage;
  return std::string(to_nfc(text, storage));
}

}  // namespace

TEST_CASE("text that is in form C comes back as it is") {
  for (const std::string text : {"", "plain", "caf\u00e9", "\u65e5\u672c\u8a9e",
                                 "\ud55c\uad6d\uc5b4", "\U0001F468\u200d\U0001F469"}) {
    CAPTURE(text);
    CHECK(nfc(text) == text);
  }
  CHECK(nfc(std::string("a\0\u0301", 4)) == std::string("a\0\u0301", 4));
}

TEST_CASE("letters and their marks are composed") {
  CHECK(nfc("e\u0301") == "\u00e9");
  CHECK(nfc("A\u030a \u212b") == "\u00c5 \u00c5");
  CHECK(nfc("\u1112\u1161\u11ab\u1100\u116e\u11a8") == "\ud55c\uad6d");
  CHECK(nfc("\uac00\u11a8") == "\uac01");
}

TEST_CASE("marks are put in the order of their classes, and keep it within one") {
  CHECK(nfc("q\u0307\u0323") == "q\u0323\u0307");
  CHECK(nfc("s\u0307\u0323") == "\u1e69");
  CHECK(nfc("x\u0301\u0300") == "x\u0301\u0300");
  CHECK(nfc("\u0307\u0323") == "\u0323\u0307");
}

TEST_CASE("what Unicode excludes from composition stays apart") {
  CHECK(nfc("\u0915\u093c") == "\u0915\u093c");
  CHECK(nfc("\u0958") == "\u0915\u093c");
  CHECK(nfc("\u2126") == "\u03a9");
}

TEST_CASE("the vowel right before the trailing consonants is not taken for one") {
  CHECK(nfc("\uac00\u11a7") == "\uac00\u11a7");
  CHECK(nfc("\u1100\u1161\u11a7\u11a8") == "\uac00\u11a7\u11a8");
  CHECK(nfc("\u11a7") == "\u11a7");
}

TEST_CASE("a long run of marks in the worst order takes no longer than its sort") {
  std::string text = "a";
  std::string above;
  for (int i = 0; i < 200'000; ++i) {
    text += "\u0307\u0323";
    above += "\u0307";
  }
  const std::string composed = nfc(text);
  CHECK(composed.starts_with("\u1ea1\u0323"));
  CHECK(composed.ends_with(above.substr(2)));
}

TEST_CASE("form C has no less than a third of the bytes of any text") {
  // Every character by itself and taken apart, and every syllable of Hangul from its jamo.
  const auto check = [](const std::string& text) {
    const std::string composed = nfc(text);
    if (text.size() > 3 * composed.size()) FAIL_CHECK(text << " becomes " << composed);
  };
  for (utf8proc_int32_t point = 1; point < 0x110000; ++point) {
    if (!utf8proc_codepoint_valid(point)) continue;
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto size = static_cast<size_t>(utf8proc_encode_char(point, bytes.data()));
    const std::string text(reinterpret_cast<const char*>(bytes.data()), size);
    check(text);
    utf8proc_uint8_t* apart = nullptr;
    const auto length =
        utf8proc_map(bytes.data(), static_cast<utf8proc_ssize_t>(size), &apart, UTF8PROC_DECOMPOSE);
    REQUIRE(length > 0);
    check({reinterpret_cast<const char*>(apart), static_cast<size_t>(length)});
    std::free(apart);
  }
}
