#include "embed/llama_server/process/last_lines.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace runed::embed::llama_server {

void LastLines::append(std::string_view bytes) {
  while (true) {
    const size_t newline = bytes.find('\n');
    extend(bytes.substr(0, newline));
    if (newline == std::string_view::npos) return;
    lines_.push_back(std::move(open_));
    open_.clear();
    if (lines_.size() > kMostLines) lines_.pop_front();
    bytes.remove_prefix(newline + 1);
  }
}

void LastLines::extend(std::string_view piece) {
  if (piece.size() > kMostLineBytes) piece.remove_prefix(piece.size() - kMostLineBytes);
  open_ += piece;
  if (open_.size() > kMostLineBytes) open_.erase(0, open_.size() - kMostLineBytes);
}

std::vector<std::string> LastLines::get(size_t most) const {
  std::vector<std::string> lines(lines_.begin(), lines_.end());
  if (!open_.empty()) lines.push_back(open_);
  const size_t kept = std::min({most, kMostLines, lines.size()});
  lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(kept));
  return lines;
}

std::string quote_end(std::span<const std::string> lines, size_t max_bytes) {
  constexpr size_t kMostQuoted = 3;
  constexpr std::string_view kBetween = " | ";
  // What `printable` may add to its limit: the rest of an escape, and three dots.
  constexpr size_t kMarginBytes = kBetween.size() + 6;
  std::string text;
  size_t count = 0;
  for (auto line = lines.rbegin(); line != lines.rend() && count < kMostQuoted; ++line) {
    if (is_blank(*line)) continue;
    const size_t taken_bytes = text.size() + kMarginBytes;
    if (taken_bytes >= max_bytes) break;
    if (count > 0) text.insert(0, kBetween);
    text.insert(0, printable(*line, max_bytes - taken_bytes));
    ++count;
  }
  return text;
}

}  // namespace runed::embed::llama_server
