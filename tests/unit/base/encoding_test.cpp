#include "base/encoding.hpp"

#include <cstdlib>

#include "base/text.hpp"
#include "support/left_out.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::describe_encoding;
using runed::describe_text;
using runed::Encoding;
using runed::Extent;
using runed::find_foreign_content;
using runed::find_invalid_utf8;
using runed::test::leave_out;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::write_text;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

// Nothing that is not in Windows-1252.
const std::string kText = "\u00dcber den \u201eFlu\u00df\u201c \u2013 caf\u00e9, 5 \u20ac\nnext\n";
const std::string kEastern = "\u6c34\u306f \u041f\u0440\u0438\u0432\u0435\u0442 \U0001F30D\nnext\n";

Encoding of(std::string_view bytes) {
  return describe_encoding(bytes);
}

// What a program of this machine makes of bytes; the test is left out where it is not there.
std::string filter(const TempDir& dir, const std::string& command, std::string_view bytes) {
  const std::string program = command.substr(0, command.find(' '));
  if (std::system(("command -v " + program + " > /dev/null").c_str()) != 0) {
    leave_out("there is no " + program);
    runed::test::end_test();
  }
  write_text(dir / "in", bytes);
  const std::string line = command + " < " + (dir / "in") + " > " + (dir / "out");
  if (std::system(line.c_str()) != 0) FAIL("cannot run: " << line);
  return read_text(dir / "out");
}

// Checks what bytes are taken for, and that the advised command makes the text of them.
void check(const std::string& bytes, const std::string& name, const std::string& text) {
  const TempDir dir;
  const Encoding found = of(bytes);
  CAPTURE(bytes, found.command);
  CHECK(found.name == name);
  REQUIRE_FALSE(found.command.empty());
  CHECK(found.advice.ends_with(", with: " + found.command));
  const std::string made = filter(dir, found.command, bytes);
  CHECK(made == text);
  CHECK_FALSE(find_invalid_utf8(made).has_value());
}

std::string encoded(const std::string& text, const std::string& encoding) {
  const TempDir dir;
  return filter(dir, "iconv -f UTF-8 -t " + encoding, text);
}

}  // namespace

TEST_CASE("UTF-16 and UTF-32 are known, and iconv makes UTF-8 of them") {
  for (const std::string& text : {kText, kEastern}) {
    for (const std::string size : {"16", "32"}) {
      check(encoded(text, "UTF-" + size), "UTF-" + size, text);
      for (const std::string order : {"LE", "BE"}) {
        const std::string name = "UTF-" + size + order;
        check(encoded(text, name), name + " without a byte order mark", text);
        check(encoded("\uFEFF" + text, name), "UTF-" + size, text);
      }
    }
  }
}

TEST_CASE("packed data are known, and their program unpacks them") {
  const TempDir dir;
  check(filter(dir, "gzip -c", kText), "gzip data", kText);
  check(filter(dir, "xz -c", kText), "xz data", kText);
  check(filter(dir, "bzip2 -c", kText), "bzip2 data", kText);
  check(filter(dir, "zstd -q -c", kText), "zstd data", kText);
}

TEST_CASE("Windows-1252 and Latin-1 are known, and iconv makes UTF-8 of them") {
  check(encoded(kText, "WINDOWS-1252"), "Windows-1252", kText);
  for (const std::string text :
       {"caf\u00e9\n", "na\u00efve \u00e0 la carte", "Stra\u00dfe\n\u00c4rger\n",
        "\u00a9 2024, 20 \u00b0C", "N\u00c3O", "\u00e9"}) {
    check(encoded(text, "ISO-8859-1"), "Latin-1 or Windows-1252", text);
  }
}

TEST_CASE("other encodings of a byte or two are not taken for Windows-1252") {
  const std::string russian =
      "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u0415\u0449\u0451 "
      "\u043e\u0434\u043d\u0430 \u0441\u0442\u0440\u043e\u043a\u0430\n";
  const std::string japanese =
      "\u6c34\u306f\u767e\u5ea6\u3067\u6cb8\u9a30\u3057\u307e\u3059\u3002\n";
  const std::string chinese = "\u5317\u4eac\u662f\u4e2d\u83ef\u7684\u9996\u90fd\n";
  const std::string polish =
      "Za\u017c\u00f3\u0142\u0107 g\u0119\u015bl\u0105 ja\u017a\u0144, \u015bwi\u0119to\n";
  const std::string german = "f\u00fcr \u00fcber Stra\u00dfe \u00e4ndern caf\u00e9\n";
  for (const std::string& bytes :
       {encoded(russian, "WINDOWS-1251"), encoded(russian, "KOI8-R"),
        encoded(japanese, "SHIFT_JIS"), encoded(japanese, "EUC-JP"), encoded(chinese, "GBK"),
        encoded(chinese, "BIG5"), encoded(german, "CP850"), encoded(german, "MACINTOSH"),
        encoded(polish, "WINDOWS-1250"), encoded(polish, "ISO-8859-2")}) {
    CAPTURE(bytes);
    CHECK(of(bytes).name == "text in an encoding that cannot be told");
    CHECK(of(bytes).command.empty());
    CHECK(of(bytes).advice.ends_with("iconv -f ENCODING -t UTF-8"));
  }
}

TEST_CASE("UTF-8 that ends in the middle of a character loses what is left of that") {
  const std::string start = "caf\u00e9 ";
  for (const std::string character : {"\u00e9", "\u6c34", "\U0001F30D"}) {
    for (size_t held = 1; held < character.size(); ++held) {
      check(start + character.substr(0, held), "UTF-8 that ends in the middle of a character",
            start);
    }
  }
  CHECK(of("a\xC3").name == "UTF-8 that ends in the middle of a character");
  CHECK(of("x\xE6\xB0").name == "UTF-8 that ends in the middle of a character");
  CHECK(of("x\xF0\x9F\x8C").advice ==
        "get the whole of it, or leave out its last 3 bytes, with: head -c -3");
}

TEST_CASE("UTF-8 with lines that were cut, or with damage, is told from Latin-1") {
  check("caf\u00e9\nna\xC3\nx\n", "UTF-8 with lines that end in the middle of a character",
        "caf\u00e9\nna\nx\n");
  check("\xE6\xB0\nab\n", "UTF-8 with lines that end in the middle of a character", "\nab\n");
  const std::string damaged = "UTF-8 that is damaged, or mixed with another encoding";
  check("caf\u00e9 \xC3 \u6c34\n", damaged, "caf\u00e9  \u6c34\n");
  check("caf\u00e9 a\xB0z\n", damaged, "caf\u00e9 az\n");
  check("caf\u00e9 and caf\xE9 again\n", damaged, "caf\u00e9 and caf again\n");
  check("\u00e9\u00e9\u00e9 \xFF\xFF\n", damaged, "\u00e9\u00e9\u00e9 \n");
  const Encoding mixed = of("caf\u00e9\nna\xEFve caf\xE9s, \xFC" "ber\n");
  CHECK(mixed.name == "UTF-8 together with Windows-1252 or Latin-1");
  CHECK(mixed.command.empty());
}

TEST_CASE("UTF-8 that is written wrongly is known") {
  check("a \xED\xA0\xBC\xED\xBC\x8D b \u00e9\n", "CESU-8, as Java and Oracle write it",
        "a \U0001F30D b \u00e9\n");
  check("a \xED\xA0\xBC b\n", "UTF-8 with halves of characters (surrogates)", "a  b\n");
  check("a \xED\xBC\x8D\xED\xA0\xBC b\n", "UTF-8 with halves of characters (surrogates)", "a  b\n");
  check("a\xC0\x80 b\n", "UTF-8 with overlong forms, as Java writes them", "a b\n");
}

TEST_CASE("binary data are known, and have no command") {
  for (const auto bytes : {"\x89PNG\r\n\x1A\n\0\0"sv, "%PDF-1.4\n%\xE2\xE3\xCF\xD3\n"sv,
                           "abc\0\xFF\xFE\x80\0\1\2\3"sv, "\x93NUMPY\1\0v\0"sv,
                           "\x01\x02\x03\x04\xFF\x05\x06"sv}) {
    CAPTURE(std::string(bytes));
    const auto found = find_foreign_content(bytes);
    REQUIRE(found.has_value());
    CHECK(found->command.empty());
    CHECK_FALSE(found->advice.empty());
  }
}

TEST_CASE("text is not foreign, in whatever encoding, and wherever it is cut") {
  const std::string text = kText + kEastern;
  for (size_t end = 0; end <= text.size(); ++end) {
    CHECK_FALSE(find_foreign_content(text.substr(0, end)).has_value());
  }
  CHECK_FALSE(find_foreign_content("\xEF\xBB\xBF text").has_value());
  CHECK_FALSE(find_foreign_content("\x1B[31mred\x1B[0m\n").has_value());
  CHECK_FALSE(find_foreign_content("one\0two, and more of it\n"sv).has_value());
  CHECK_FALSE(find_foreign_content(encoded(kText, "WINDOWS-1252")).has_value());
}

TEST_CASE("what is still to come is no fault") {
  // The end of a chunk in the middle of a character, after a fault in a line before.
  const std::string bytes = "caf\u00e9 a\xB0z\nmore \xE6\xB0";
  CHECK(describe_text(bytes, 7, Extent::begin).name ==
        "UTF-8 that is damaged, or mixed with another encoding");
  CHECK(describe_text("caf\xE9\nb\xC3", 3, Extent::begin).name == "Latin-1 or Windows-1252");
}

TEST_CASE("a fault far from the begin is described by what is around it") {
  std::string bytes;
  while (bytes.size() < 300'000) bytes += "caf\u00e9 ";
  const size_t fault = bytes.size();
  bytes += "\xB0 ";
  while (bytes.size() < 600'000) bytes += "caf\u00e9 ";
  CHECK(describe_text(bytes, fault, Extent::whole).name ==
        "UTF-8 that is damaged, or mixed with another encoding");
}
