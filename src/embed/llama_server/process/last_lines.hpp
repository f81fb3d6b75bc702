#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runed::embed::llama_server {

/// Keeps the end of a text that comes in pieces: its last lines, and of a long line its end. So its
/// memory is bounded, whatever comes.
class LastLines {
 public:
  static constexpr size_t kMostLines = 200;
  static constexpr size_t kMostLineBytes = 4096;

  void append(std::string_view bytes);

  /// Returns the last lines, at most so many, oldest first; the last one may not be complete yet.
  std::vector<std::string> get(size_t most) const;

 private:
  void extend(std::string_view piece);

  std::deque<std::string> lines_;  // At most kMostLines.
  std::string open_;               // What followed the last newline.
};

/// Formats the last lines that are not blank for the end of an error's message: printable, ` | `
/// between them, at most three and `max_bytes` together. A line that is too long loses its end.
std::string quote_end(std::span<const std::string> lines, size_t max_bytes = 400);

}  // namespace runed::embed::llama_server
