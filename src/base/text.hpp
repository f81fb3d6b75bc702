#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runed {

/// Finds the byte offset of the first byte that is not well-formed UTF-8 (Unicode 15, table 3-7).
std::optional<size_t> find_invalid_utf8(std::string_view text);

/// Tells whether the text has nothing but ASCII white space.
bool is_blank(std::string_view text);

/// Tells whether a word is somewhere in a text, in upper or lower case. Needs: a word of lower-case ASCII.
bool contains_in_any_case(std::string_view text, std::string_view word);

/// Splits at every `separator`; `n` separators give `n + 1` parts.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Finds the candidate nearest to a misspelt word, if one is near enough to be meant.
std::optional<std::string> find_nearest(std::string_view word,
                                        std::span<const std::string> candidates);

/// Makes any bytes showable where text is expected, such as a path on the wire, in JSON or in a log:
/// each byte that is not UTF-8 becomes `\xff`, all else stays.
std::string escape_invalid_utf8(std::string_view bytes);

/// Formats foreign bytes for a message: what is not printable UTF-8 becomes `\x1b`, and what
/// exceeds the limit becomes `...`.
std::string printable(std::string_view bytes, size_t limit_bytes = 80);

/// Quotes a path for a command that a user is told to run: `'it'\''s'`.
std::string shell_quoted(std::string_view text);

/// Formats a byte count for people, in binary units: `10.2 MiB`.
std::string format_bytes(uint64_t bytes);

}  // namespace runed
