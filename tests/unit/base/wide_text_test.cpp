#include "base/wide_text.hpp"

#include <cstdint>
#include <string>

#include "support/catch.hpp"

using runed::find_wide_encoding;
using namespace std::string_view_literals;

namespace {

template <typename Text>
std::string bytes_of(const Text& text, bool is_big) {
  std::string bytes;
  for (const auto unit : text) {
    constexpr size_t kSize = sizeof unit;
    for (size_t i = 0; i < kSize; ++i) {
      const size_t shift = 8 * (is_big ? kSize - 1 - i : i);
      bytes += static_cast<char>(static_cast<uint32_t>(unit) >> shift);
    }
  }
  return bytes;
}

std::string name_of(std::string_view bytes) {
  const auto found = find_wide_encoding(bytes);
  return found ? std::string(found->name) : "none";
}

// Texts of some scripts, each of several lines.
const std::u16string kTexts[] = {
    u"The cat sits outside.\nA second line, 12 words.\n",
    u"\u00dcbermorgen f\u00e4hrt der Zug \u00fcber die Br\u00fccke.\r\nNoch eine Zeile.\r\n",
    u"\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u0415\u0449\u0451 "
    u"\u0441\u0442\u0440\u043e\u043a\u0430.\n\u0418 \u0435\u0449\u0451 "
    u"\u043e\u0434\u043d\u0430.\n",
    u"\u6c34\u306f\u767e\u5ea6\u3067\u6cb8\u9a30\u3057\u307e\u3059\u3002\n\u4eca\u65e5\u306f\u3068"
    u"\u3066\u3082\u3044\u3044\u5929\u6c17\u3067\u3059\u306d\u3002\n",
    u"\u5317\u4eac\u662f\u4e2d\u56fd\u7684\u9996\u90fd\u3002\n\u4eca\u5929\u5929\u6c14\u5f88\u597d"
    u"\u3002\n",
    u"\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4\n\uc88b\uc740 \ud558\ub8e8 \ub418\uc138\uc694\n",
    u"\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645\n",
    u"hello \U0001F600 world \U0001F680\n",
    u"hi\n",
};

}  // namespace

TEST_CASE("a byte order mark tells UTF-16 and UTF-32") {
  CHECK(name_of("\xFF\xFE"sv) == "UTF-16");
  CHECK(name_of("\xFE\xFF\0a"sv) == "UTF-16");
  CHECK(name_of("\xFF\xFE\0\0a\0\0\0"sv) == "UTF-32");
  CHECK(name_of("\0\0\xFE\xFF"sv) == "UTF-32");
  CHECK(find_wide_encoding("\xFF\xFE"sv)->has_mark);
  CHECK(name_of("\xEF\xBB\xBF text") == "none");
}

TEST_CASE("UTF-16 without a mark is known in many scripts, wherever it is cut") {
  for (const std::u16string& text : kTexts) {
    for (const bool is_big : {false, true}) {
      const std::string bytes = bytes_of(text, is_big);
      CAPTURE(bytes, is_big);
      const std::string expected = is_big ? "UTF-16BE" : "UTF-16LE";
      CHECK(name_of(bytes) == expected);
      CHECK_FALSE(find_wide_encoding(bytes)->has_mark);
      CHECK(name_of(bytes.substr(0, bytes.size() - 1)) == expected);
    }
  }
}

TEST_CASE("UTF-32 without a mark is known") {
  const std::u32string text = U"The cat \u6c34 \U0001F600.\n";
  CHECK(name_of(bytes_of(text, false)) == "UTF-32LE");
  CHECK(name_of(bytes_of(text, true)) == "UTF-32BE");
  CHECK(name_of(bytes_of(text, true).substr(0, 30)) == "UTF-32BE");
}

TEST_CASE("what is no wide text is not taken for one") {
  for (const std::string_view bytes :
       {""sv, "a"sv, "plain text\n"sv, "caf\xE9 and more\n"sv, "hello\0world, this is text\n"sv,
        "file1.txt\0file2.txt\0file3.txt\0"sv, "./a\0./b\0./c\0"sv, "a\0b"sv,
        "\0\0\0\0\0\0\0\0\0\0\0\0"sv, "\xC4\xE3\xBA\xC3\xCA\xC0\xBD\xE7\n"sv,
        "name\0value\0k\0v\0name\0value\0k\0v\0"sv}) {
    CAPTURE(std::string(bytes));
    CHECK(name_of(bytes) == "none");
  }
}
