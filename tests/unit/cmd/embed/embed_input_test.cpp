#include "cmd/embed/embed_input.hpp"

#include "os/file/files.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::client::TextSource;
using runed::cmd::EmbedInput;
using runed::cmd::LineLimits;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
using namespace std::string_literals;

namespace {

// Every text, and the error that ended the input, if one did.
struct Read {
  std::vector<std::string> texts;
  std::optional<Error> error;
};

Read read_all(EmbedInput& input) {
  Read read;
  while (true) {
    auto text = input.wait_next();
    if (!text) {
      read.error = text.error();
      return read;
    }
    if (!text->has_value()) return read;
    read.texts.push_back(**std::move(text));
  }
}

Read read_content(const std::string& content, LineLimits limits = {}) {
  const TempDir dir;
  write_text(dir / "in", content);
  const runed::os::Fd fd = unwrap(runed::os::open_input(dir / "in"));
  EmbedInput input = unwrap(EmbedInput::open(std::nullopt, fd.get(), limits));
  return read_all(input);
}

Error fault_of(const std::string& content, LineLimits limits = {}) {
  const Read read = read_content(content, limits);
  REQUIRE(read.error.has_value());
  return *read.error;
}

}  // namespace

TEST_CASE("each line is a text, with or without a last line feed, in chunks of any size") {
  const std::vector<std::string> both{"one", "two words"};
  for (size_t chunk = 1; chunk < 20; ++chunk) {
    CAPTURE(chunk);
    const LineLimits limits{.chunk_bytes = chunk};
    CHECK(read_content("one\ntwo words\n", limits).texts == both);
    CHECK(read_content("one\ntwo words", limits).texts == both);
    CHECK(read_content("\xEF\xBB\xBFone\r\ntwo words\r\n", limits).texts == both);
    CHECK(read_content("one\r\ntwo words\r", limits).texts == both);
  }
}

TEST_CASE("a byte order mark is no part of any line, and white space around a text is kept") {
  CHECK(read_content("  a b \n").texts.front() == "  a b ");
  // Files that were joined, each with a mark of its own; the last one was converted twice.
  CHECK(read_content("\uFEFFa\n\uFEFF b\n\uFEFF\uFEFFc\n").texts ==
        std::vector<std::string>{"a", " b", "c"});
  CHECK(read_content("a\uFEFF b\n").texts.front() == "a\uFEFF b");
  const Error error = fault_of("a\n\uFEFF\r\nb\n");
  CHECK(error.code == ErrorCode::blank_line);
  CHECK(error.message == "line 2 of stdin is blank");
}

TEST_CASE("an empty input is an error of its own") {
  const Error error = fault_of("");
  CHECK(error.code == ErrorCode::no_input);
  CHECK(error.message == "stdin is empty");
}

TEST_CASE("a blank line is refused by its number, after the texts before it") {
  const Read read = read_content("one\n\r\nthree\n");
  CHECK(read.texts == std::vector<std::string>{"one"});
  CHECK(read.error->code == ErrorCode::blank_line);
  CHECK(read.error->message == "line 2 of stdin is blank");
  CHECK(read.error->facts.to_texts() ==
        std::map<std::string, std::string>{{"index", "1"}, {"line", "2"}});
  CHECK(fault_of("\n").message == "line 1 of stdin is blank");
  CHECK(fault_of("\xEF\xBB\xBF").message == "line 1 of stdin is blank");
  CHECK(fault_of("one\n\n").message == "line 2 of stdin is blank");
}

TEST_CASE("what a daemon would embed is no blank text: one of spaces") {
  CHECK(read_content("one\n \t\n").texts == std::vector<std::string>{"one", " \t"});
  EmbedInput input = unwrap(EmbedInput::from_arguments({" ", "\n"}));
  CHECK(read_all(input).texts == std::vector<std::string>{" ", "\n"});
}

TEST_CASE("every fault of a text says which it is in the same two ways") {
  for (const auto& [content, limits] : std::vector<std::pair<std::string, LineLimits>>{
           {"one\n\n", {}}, {"one\nt\xFFwo\n", {}}, {"one\ntoo long\n", {.line_bytes = 4}}}) {
    CAPTURE(content);
    const Error error = fault_of(content, limits);
    CHECK(error.facts.text("index") == "1");
    CHECK(error.facts.text("line") == "2");
  }
  for (const char* text : {"", "\xFF"}) {
    const Error error = unwrap_error(EmbedInput::from_arguments({"one", text}));
    CHECK(error.facts.text("index") == "1");
    CHECK(error.facts.text("text") == "2");
  }
}

TEST_CASE("invalid UTF-8 is refused by line and byte, in chunks of any size") {
  for (size_t chunk = 1; chunk < 12; ++chunk) {
    const Error error = fault_of("one\nt\xFFwo\n", {.chunk_bytes = chunk});
    CHECK(error.code == ErrorCode::bad_input);
    CHECK(error.message ==
          "line 2 of stdin is not UTF-8: invalid byte at offset 1 of the line, 5 of the input");
    CHECK(error.facts.text("line") == "2");
    CHECK(error.facts.text("line_offset") == "1");
    CHECK(error.facts.text("offset") == "5");
    CHECK(error.hint == "it looks like Latin-1 or Windows-1252: convert it first, with: iconv -f "
                        "WINDOWS-1252 -t UTF-8");
    CHECK(error.facts.text("looks_like") == "Latin-1 or Windows-1252");
    CHECK(fault_of("\xEF\xBB\xBF\xFF", {.chunk_bytes = chunk}).facts.text("offset") == "3");
  }
}

TEST_CASE("an input that is no text is known before its first line is judged") {
  const std::string utf16 = "\xFF\xFE\r\0\n\0o\0n\0e\0\r\0\n\0"s;
  for (size_t chunk = 1; chunk < 12; ++chunk) {
    const Error error = fault_of(utf16, {.chunk_bytes = chunk});
    CHECK(error.code == ErrorCode::bad_input);
    CHECK(error.message == "stdin is UTF-16, not text in UTF-8");
    CHECK(error.hint == "convert it first, with: iconv -f UTF-16 -t UTF-8");
    CHECK(error.facts.text("line") == "1");
    CHECK(error.facts.text("line_offset") == "0");
    CHECK(error.facts.text("offset") == "0");
    CHECK(error.facts.text("looks_like") == "UTF-16");
    CHECK(fault_of("o\0n\0e\0\n\0"s, {.chunk_bytes = chunk}).facts.text("looks_like") ==
          "UTF-16LE without a byte order mark");
    CHECK(fault_of("\0o\0n\0e\0\n"s, {.chunk_bytes = chunk}).facts.text("looks_like") ==
          "UTF-16BE without a byte order mark");
    CHECK(fault_of("\x60\x4F\x7D\x59\n\0\x16\x4E\x4C\x75\n\0l\0a\0s\0t\0\n\0"s)
              .facts.text("looks_like") == "UTF-16LE without a byte order mark");
    CHECK(fault_of("\x1F\x8B\x08\n\xFF", {.chunk_bytes = chunk}).message ==
          "stdin is gzip data, not text in UTF-8");
    CHECK(fault_of("%PDF-1.4\n%\xE2\xE3\xCF\xD3\n").message ==
          "stdin is a PDF document, not text in UTF-8");
  }
  // Nor is it held until it is too long for a line.
  std::string binary(300'000, '\x80');
  binary[7] = '\0';
  CHECK(fault_of(binary, {.chunk_bytes = 4096, .line_bytes = 200'000}).facts.text("looks_like") ==
        "binary data");
}

TEST_CASE("an input that is no text from a later line on says from which") {
  for (const std::string& more : {"\xFF\xFEo\0n\0e\0\n\0"s, "t\0w\0o\0 \0t\0w\0o\0\n\0"s}) {
    const Read read = read_content("one\n" + more);
    CHECK(read.texts == std::vector<std::string>{"one"});
    CHECK(read.error->message.find(" from line 2 on, not text in UTF-8") != std::string::npos);
    CHECK(read.error->facts.text("line") == "2");
  }
  // A NUL by itself is no reason.
  CHECK(read_content("one\ntwo\0three and four\n"s).texts.size() == 2);
}

TEST_CASE("what a line is that is not UTF-8, the lines around it tell") {
  const auto look_of = [](const std::string& content) {
    return fault_of(content).facts.text("looks_like");
  };
  CHECK(look_of("caf\xE9\n") == "Latin-1 or Windows-1252");
  CHECK(look_of("\x93" "caf\xE9\x94\n") == "Windows-1252");
  CHECK(look_of("caf\u00e9 \u6c34\ncaf\xC3\nx\n") ==
        "UTF-8 with lines that end in the middle of a character");
  CHECK(look_of("caf\u00e9\ncaf\xC3") == "UTF-8 that ends in the middle of a character");
  CHECK(look_of("a\xB0z\ncaf\u00e9\n") == "UTF-8 that is damaged, or mixed with another encoding");
  // A chunk that ends within a character says nothing of the rest.
  CHECK(
      fault_of("caf\xE9\nna\xC3\xAFve caf\u00e9\n", {.chunk_bytes = 8}).facts.text("looks_like") ==
      "Latin-1 or Windows-1252");
}

TEST_CASE("a line beyond the limit is refused without being held, with or without its end") {
  const LineLimits limits{.chunk_bytes = 16, .line_bytes = 1024};
  const std::string longest(1024, 'a');
  CHECK(read_content(longest + "\n", limits).texts.front() == longest);
  for (const char* end : {"a\n", "a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nb\n"}) {
    const Read read = read_content("one\n" + longest + end, limits);
    CHECK(read.texts.size() == 1);
    CHECK(read.error->code == ErrorCode::text_too_long);
    CHECK(read.error->message == "line 2 of stdin is longer than 1.0 KiB");
    CHECK(read.error->facts.text("line") == "2");
  }
}

TEST_CASE("a stream that has no line yet is pending, and its texts come as they are written") {
  const auto pipe = unwrap(runed::os::open_pipe());
  EmbedInput input = unwrap(EmbedInput::open(std::nullopt, pipe.reader.get()));
  CHECK(unwrap(input.next()).state == TextSource::State::pending);
  unwrap(runed::os::write_all(pipe.writer.get(), "one\ntw"));
  unwrap(input.read_ahead());
  CHECK(unwrap(input.next()).text == "one");
  CHECK(unwrap(input.next()).state == TextSource::State::pending);
  CHECK(input.fd() == pipe.reader.get());
  unwrap(runed::os::write_all(pipe.writer.get(), "o\n"));
  CHECK(unwrap(input.next()).text == "two");
}

TEST_CASE("a fault at the start is found before the first text is taken") {
  const TempDir dir;
  write_text(dir / "in", "one\n\nthree\n");
  EmbedInput input = unwrap(EmbedInput::open(dir / "in", -1));
  CHECK(unwrap_error(input.read_ahead()).message == "line 2 of '" + (dir / "in") + "' is blank");
}

TEST_CASE("what is finished of a file is told in bytes, of arguments by their number") {
  const TempDir dir;
  write_text(dir / "in", "one\ntwo\r\nthree");
  EmbedInput file = unwrap(EmbedInput::open(dir / "in", -1));
  CHECK(read_all(file).texts.size() == 3);
  CHECK(file.finish_one().done == 4);
  CHECK(file.finish_one().done == 9);
  CHECK(file.finish_one().done == 14);
  EmbedInput arguments = unwrap(EmbedInput::from_arguments({"a", "b"}));
  CHECK(read_all(arguments).texts == std::vector<std::string>{"a", "b"});
  CHECK(arguments.finish_one().done == 1);
  CHECK(arguments.finish_one().total == 2);
}

TEST_CASE("a file that is not there is no input, and a directory cannot be read") {
  const TempDir dir;
  CHECK(unwrap_error(EmbedInput::open(dir / "none", -1)).code == ErrorCode::no_input);
  EmbedInput input = unwrap(EmbedInput::open(dir.path(), -1));
  const Error error = *read_all(input).error;
  CHECK(error.code == ErrorCode::io);
  CHECK(error.message == "cannot read '" + dir.path() + "': is a directory");
}

TEST_CASE("arguments are texts, blank and broken ones refused") {
  CHECK(unwrap_error(EmbedInput::from_arguments({"a", ""})).message == "text 2 is blank");
  const Error cut = unwrap_error(EmbedInput::from_arguments({"a\xC3"}));
  CHECK(cut.message == "text 1 is not UTF-8: invalid byte at offset 1");
  CHECK(cut.hint == "it looks like UTF-8 that ends in the middle of a character: get the whole of "
                    "it, or leave out its last byte, with: head -c -1");
  CHECK(unwrap_error(EmbedInput::from_arguments({"a", "caf\xE9"})).facts.text("looks_like") ==
        "Latin-1 or Windows-1252");
}

TEST_CASE("a byte order mark is no part of an argument") {
  EmbedInput input = unwrap(EmbedInput::from_arguments({"\uFEFFa", "b"}));
  CHECK(read_all(input).texts == std::vector<std::string>{"a", "b"});
  CHECK(unwrap_error(EmbedInput::from_arguments({"\uFEFF"})).message == "text 1 is blank");
}
