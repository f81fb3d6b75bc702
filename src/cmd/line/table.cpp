#include "cmd/line/table.hpp"

#include <utf8proc.h>

#include <algorithm>

#include "base/letter_case.hpp"
#include "base/text.hpp"

namespace runed::cmd {
namespace {

constexpr std::string_view kBetween = "  ";
constexpr std::string_view kIndent = "  ";

std::vector<size_t> widths_of(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows.empty() ? 0 : rows.front().size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  return widths;
}

// `size: 24.1 MiB, licence: MIT`, in as many lines as it takes.
std::string to_details(const Row& head, const Row& row, size_t columns) {
  std::string text;
  std::string line(kIndent);
  for (size_t i = 1; i < row.size(); ++i) {
    std::string part = fmt::format("{}: {}", in_lower_case(head[i]), row[i]);
    if (i + 1 < row.size()) part += ",";
    const bool is_first = line.size() == kIndent.size();
    if (!is_first && display_width(line) + 1 + display_width(part) > columns) {
      text += line + "\n";
      line = kIndent;
    } else if (!is_first) {
      line += " ";
    }
    line += part;
  }
  return text + line + "\n";
}

}  // namespace

size_t display_width(std::string_view text) {
  size_t width = 0;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (size_t at = 0; at < text.size();) {
    utf8proc_int32_t character = 0;
    const auto read =
        utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &character);
    width += read > 0 ? static_cast<size_t>(utf8proc_charwidth(character)) : 1;
    at += read > 0 ? static_cast<size_t>(read) : 1;
  }
  return width;
}

std::string to_table(const std::vector<Row>& rows) {
  const std::vector<size_t> widths = widths_of(rows);
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - display_width(row[i]), ' ');
      line += kBetween;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string to_table(const std::vector<Row>& rows, size_t terminal_columns) {
  size_t needed = 0;
  for (const size_t width : widths_of(rows)) needed += (needed > 0 ? kBetween.size() : 0) + width;
  if (terminal_columns == 0 || needed <= terminal_columns) return to_table(rows);
  std::string text;
  for (size_t i = 1; i < rows.size(); ++i) {
    text += rows[i].front() + "\n" + to_details(rows.front(), rows[i], terminal_columns);
  }
  return text;
}

}  // namespace runed::cmd
