#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace runed::cmd {

/// The cells of a line. All rows of a table have as many; the first row says what they are.
using Row = std::vector<std::string>;

/// Returns the columns that a text takes on a terminal: characters of East Asia take two, marks that
/// are put upon others none. What is not UTF-8 counts a column a byte.
size_t display_width(std::string_view text);

/// Formats rows for people: columns as wide as their widest cell, two spaces between.
std::string to_table(const std::vector<Row>& rows);

/// The same for a terminal of so many columns, or 0 for what is none. Where a line would not fit, each
/// row is the line of its first cell, and below it the others with what they are.
std::string to_table(const std::vector<Row>& rows, size_t terminal_columns);

}  // namespace runed::cmd
