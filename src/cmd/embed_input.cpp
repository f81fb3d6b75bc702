#include "cmd/embed_input.hpp"

#include <limits>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"

namespace runed::cmd {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Error no_input(std::string message) {
  return make_error(ErrorCode::no_input, "{}", message)
      .with_hint("give texts as arguments, one a line on stdin, or a file with -f FILE");
}

}  // namespace

std::string EmbedInput::place(size_t index) const {
  return fmt::format("{} {}", source == Source::lines ? "line" : "text", index + 1);
}

Result<EmbedInput> input_from_arguments(std::vector<std::string> arguments) {
  EmbedInput input{std::move(arguments), EmbedInput::Source::arguments};
  for (size_t i = 0; i < input.texts.size(); ++i) {
    const std::string& text = input.texts[i];
    if (is_blank(text)) {
      return make_error(ErrorCode::blank_line, "{} is blank", input.place(i))
          .with_detail("text", std::to_string(i + 1));
    }
    if (const auto offset = find_invalid_utf8(text)) {
      return make_error(ErrorCode::bad_input, "{} is not UTF-8: invalid byte at offset {}",
                        input.place(i), *offset)
          .with_detail("text", std::to_string(i + 1))
          .with_detail("offset", std::to_string(*offset));
    }
  }
  return input;
}

Result<EmbedInput> input_from_lines(std::string_view content, std::string_view name) {
  if (content.empty()) return no_input(fmt::format("{} is empty", name));
  EmbedInput input;
  size_t begin = content.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  if (content.ends_with('\n')) content.remove_suffix(1);
  for (std::string_view line : split(content.substr(begin), '\n')) {
    const size_t next = begin + line.size() + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string place = input.place(input.texts.size());
    const std::string number = std::to_string(input.texts.size() + 1);
    if (is_blank(line)) {
      return make_error(ErrorCode::blank_line, "{} of {} is blank", place, name)
          .with_hint("remove blank lines, with: grep -v '^[[:space:]]*$'")
          .with_detail("line", number);
    }
    if (const auto offset = find_invalid_utf8(line)) {
      return make_error(ErrorCode::bad_input,
                        "{} of {} is not UTF-8: invalid byte at offset {} of the line, {} of the "
                        "input",
                        place, name, *offset, begin + *offset)
          .with_hint("convert it first, with: iconv -f LATIN1 -t UTF-8")
          .with_detail("line", number)
          .with_detail("line_offset", std::to_string(*offset))
          .with_detail("offset", std::to_string(begin + *offset));
    }
    input.texts.emplace_back(line);
    begin = next;
  }
  return input;
}

Result<EmbedInput> read_input(const std::optional<std::string>& file, int stdin_fd) {
  if (!file.has_value() || *file == "-") {
    if (os::is_terminal(stdin_fd)) return no_input("there is no text, and stdin is a terminal");
    TRY_ASSIGN(const std::string content, os::read_all(stdin_fd));
    return input_from_lines(content, "stdin");
  }
  const auto content = os::read_file(*file, std::numeric_limits<size_t>::max());
  if (!content) {
    Error error = content.error();
    if (error.code == ErrorCode::not_found) error.code = ErrorCode::no_input;
    return error;
  }
  return input_from_lines(*content, fmt::format("'{}'", *file));
}

}  // namespace runed::cmd
