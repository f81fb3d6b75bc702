#include "base/text.hpp"

#include "support/catch.hpp"

using runed::find_invalid_utf8;
using runed::find_nearest;

TEST_CASE("well-formed UTF-8 is accepted") {
  CHECK_FALSE(find_invalid_utf8("").has_value());
  CHECK_FALSE(find_invalid_utf8("plain, \u00e9, \u20ac, \U0001F600, \U0010FFFF").has_value());
}

TEST_CASE("ill-formed UTF-8 is found at its first byte") {
  CHECK(find_invalid_utf8("ab\x80") == 2);            // A continuation byte alone.
  CHECK(find_invalid_utf8("\xC0\xAF") == 0);          // Overlong.
  CHECK(find_invalid_utf8("\xE0\x9F\xBF") == 0);      // Overlong.
  CHECK(find_invalid_utf8("a\xED\xA0\x80") == 1);     // A surrogate.
  CHECK(find_invalid_utf8("\xF4\x90\x80\x80") == 0);  // Past U+10FFFF.
  CHECK(find_invalid_utf8("\u20ac\xE2\x82") == 3);    // Cut short.
  CHECK(find_invalid_utf8("\xE2\x28\xA1") == 0);      // A wrong continuation.
}

TEST_CASE("blank means ASCII white space only") {
  CHECK(runed::is_blank(""));
  CHECK(runed::is_blank(" \t\r\n"));
  CHECK_FALSE(runed::is_blank(" x "));
}

TEST_CASE("a word is found in any case") {
  CHECK(runed::contains_in_any_case("Qwen3-Reranker", "rerank"));
  CHECK(runed::contains_in_any_case("RERANK", "rerank"));
  CHECK_FALSE(runed::contains_in_any_case("rerun", "rerank"));
  CHECK_FALSE(runed::contains_in_any_case("", "rerank"));
}

TEST_CASE("splitting keeps empty parts") {
  CHECK(runed::split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
  CHECK(runed::split("", ',') == std::vector<std::string_view>{""});
}

TEST_CASE("the nearest word is offered only when it is near") {
  const std::vector<std::string> words{"embed", "install", "status", "shutdown"};
  CHECK(find_nearest("stauts", words) == "status");
  CHECK(find_nearest("embd", words) == "embed");
  CHECK(find_nearest("emebd", words) == "embed");
  CHECK_FALSE(find_nearest("frobnicate", words).has_value());
  CHECK_FALSE(find_nearest("x", std::vector<std::string>{}).has_value());
}

TEST_CASE("foreign bytes are made fit for a message") {
  CHECK(runed::printable("qwen3.block_count") == "qwen3.block_count");
  CHECK(runed::printable("caf\u00e9") == "caf\u00e9");
  CHECK(runed::printable("a\x1b[31m\xff\x7f") == "a\\x1b[31m\\xff\\x7f");
  CHECK(runed::printable(std::string(80, 'x')) == std::string(80, 'x'));
  CHECK(runed::printable(std::string(81, 'x')) == std::string(80, 'x') + "...");
  CHECK(runed::printable("abcd", 3) == "abc...");
}

TEST_CASE("bytes that are not UTF-8 are shown with escapes, and all else stays") {
  using runed::escape_invalid_utf8;
  CHECK(escape_invalid_utf8("/home/\u00e9\\xff\n") == "/home/\u00e9\\xff\n");
  CHECK(escape_invalid_utf8("/h\xff/m.gguf") == "/h\\xff/m.gguf");
  CHECK(escape_invalid_utf8("\xc3") == "\\xc3");
  CHECK(escape_invalid_utf8("a\xed\xa0\x80\u20ac") == "a\\xed\\xa0\\x80\u20ac");
  CHECK(escape_invalid_utf8(std::string(5000, '\xff')).size() == 20'000);
  CHECK(escape_invalid_utf8("").empty());
}

TEST_CASE("a path is quoted so that a shell takes it as it is") {
  CHECK(runed::shell_quoted("/a b/$x") == "'/a b/$x'");
  CHECK(runed::shell_quoted("it's") == "'it'\\''s'");
}

TEST_CASE("byte counts are shown in binary units") {
  CHECK(runed::format_bytes(1023) == "1023 B");
  CHECK(runed::format_bytes(10'732'960) == "10.2 MiB");
  CHECK(runed::format_bytes(639'150'592) == "609.5 MiB");
}
