#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace runed::cmd {

/// The texts of one command, and where each came from.
struct EmbedInput {
  enum class Source { arguments, lines };

  std::vector<std::string> texts;
  Source source = Source::lines;

  /// Names the place of a text for the user: `line 3`, `text 1`.
  std::string place(size_t index) const;
};

/// Takes each argument as a text.
/// Errors: blank_line; bad_input if one is not UTF-8.
Result<EmbedInput> input_from_arguments(std::vector<std::string> arguments);

/// Takes each line of `content` as a text: without its line feed, nor a carriage return before it,
/// nor a byte order mark at the start. `name` is what the content is called in errors.
/// Errors: no_input if it is empty; blank_line; bad_input if a line is not UTF-8 (details: line,
///         offset in the line, offset in the content).
Result<EmbedInput> input_from_lines(std::string_view content, std::string_view name);

/// Reads a file, `-` or nothing for stdin, and takes its lines as above.
/// Errors: no_input if stdin is a terminal or there is no such file; io.
Result<EmbedInput> read_input(const std::optional<std::string>& file, int stdin_fd);

}  // namespace runed::cmd
