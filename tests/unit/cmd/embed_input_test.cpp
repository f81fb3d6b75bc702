#include "cmd/embed_input.hpp"

#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::cmd::input_from_arguments;
using runed::cmd::input_from_lines;
using runed::test::unwrap;
using runed::test::unwrap_error;

TEST_CASE("each line is a text, with or without a last line feed") {
  const std::vector<std::string> both{"one", "two words"};
  CHECK(unwrap(input_from_lines("one\ntwo words\n", "stdin")).texts == both);
  CHECK(unwrap(input_from_lines("one\ntwo words", "stdin")).texts == both);
}

TEST_CASE("line ends and byte order marks of other systems are not part of a text") {
  const std::vector<std::string> both{"one", "two"};
  CHECK(unwrap(input_from_lines("\xEF\xBB\xBFone\r\ntwo\r\n", "stdin")).texts == both);
}

TEST_CASE("white space around a text is kept") {
  CHECK(unwrap(input_from_lines("  a b \n", "stdin")).texts.front() == "  a b ");
}

TEST_CASE("an empty input is an error of its own") {
  const auto error = unwrap_error(input_from_lines("", "stdin"));
  CHECK(error.code == ErrorCode::no_input);
  CHECK(error.message == "stdin is empty");
}

TEST_CASE("a blank line is refused by its number") {
  const auto error = unwrap_error(input_from_lines("one\n \t\nthree\n", "'a.txt'"));
  CHECK(error.code == ErrorCode::blank_line);
  CHECK(error.message == "line 2 of 'a.txt' is blank");
  CHECK(unwrap_error(input_from_lines("\n", "stdin")).message == "line 1 of stdin is blank");
}

TEST_CASE("invalid UTF-8 is refused by line and byte") {
  const auto error = unwrap_error(input_from_lines("one\nt\xFFwo\n", "stdin"));
  CHECK(error.code == ErrorCode::bad_input);
  CHECK(error.message ==
        "line 2 of stdin is not UTF-8: invalid byte at offset 1 of the line, 5 of the input");
  CHECK(error.details.at("line") == "2");
  CHECK(error.details.at("offset") == "5");
}

TEST_CASE("arguments are texts, blank and broken ones refused") {
  CHECK(unwrap(input_from_arguments({"a", "b c"})).texts.size() == 2);
  CHECK(unwrap_error(input_from_arguments({"a", ""})).message == "text 2 is blank");
  CHECK(unwrap_error(input_from_arguments({"a\xC3"})).message ==
        "text 1 is not UTF-8: invalid byte at offset 1");
}
