#include "cmd/embed_input.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/poll.hpp"
#include "os/process.hpp"

namespace runed::cmd {
namespace {

using State = client::TextSource::State;
using Next = client::TextSource::Next;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kMostAheadTexts = 1024;
constexpr size_t kMostAheadBytes = size_t{1} << 20;

Error no_input(std::string message) {
  return make_error(ErrorCode::no_input, "{}", message)
      .with_hint("give texts as arguments, one a line on stdin, or a file with -f FILE");
}

std::string name_place(std::string_view kind, uint64_t index) {
  return fmt::format("{} {}", kind, index + 1);
}

Status check_argument(const std::string& text, size_t index) {
  const std::string number = std::to_string(index + 1);
  if (is_blank(text)) {
    return make_error(ErrorCode::blank_line, "{} is blank", name_place("text", index))
        .with_detail("text", number);
  }
  if (const auto offset = find_invalid_utf8(text)) {
    return make_error(ErrorCode::bad_input, "{} is not UTF-8: invalid byte at offset {}",
                      name_place("text", index), *offset)
        .with_detail("text", number)
        .with_detail("offset", std::to_string(*offset));
  }
  return {};
}

}  // namespace

LineReader::LineReader(int fd, std::string name, LineLimits limits)
    : fd_(fd), name_(std::move(name)), limits_(limits) {}

Result<Next> LineReader::next() {
  while (true) {
    const size_t end = buffer_.find('\n', scanned_);
    const size_t held = std::min(end, buffer_.size()) - begin_;
    if (held > limits_.line_bytes) return too_long();
    if (end != std::string::npos) return take_line(held, 1);
    scanned_ = buffer_.size();
    if (is_at_end_) {
      // A byte order mark and nothing else is a blank line.
      if (held > 0) return take_line(held, 0);
      if (lines_ == 0) return no_input(fmt::format("{} is empty", name_));
      return Next{};
    }
    if (!os::wait_readable(fd_, std::chrono::milliseconds(0))) return Next{State::pending};
    TRY_ASSIGN(const size_t count, read_chunk());
    is_at_end_ = count == 0;
  }
}

Error LineReader::too_long() const {
  return make_error(ErrorCode::text_too_long, "{} of {} is longer than {}",
                    name_place("line", lines_), name_, format_bytes(limits_.line_bytes))
      .with_hint("one line is one text: split it")
      .with_detail("line", std::to_string(lines_ + 1))
      .with_detail("limit_bytes", std::to_string(limits_.line_bytes));
}

// Lines that were taken leave the buffer only here: once a chunk, not once a line.
Result<size_t> LineReader::read_chunk() {
  buffer_.erase(0, begin_);
  base_ += begin_;
  scanned_ -= begin_;
  begin_ = 0;
  const size_t held = buffer_.size();
  if (held == 0 && buffer_.capacity() > 4 * limits_.chunk_bytes) buffer_.shrink_to_fit();
  buffer_.resize(held + limits_.chunk_bytes);
  auto count = os::read_some(fd_, std::span(buffer_).subspan(held));
  buffer_.resize(held + count.value_or(0));
  if (!count && name_ != "stdin") {
    std::string& message = count.error().message;
    if (message.starts_with("cannot read: ")) message.insert(11, " " + name_);
  }
  return count;
}

// The line of this length at begin_, and past it to the next.
Result<Next> LineReader::take_line(size_t length, size_t end_length) {
  std::string_view line = std::string_view(buffer_).substr(begin_, length);
  uint64_t offset_of_line = base_ + begin_;
  if (offset_of_line == 0 && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
    offset_of_line = kByteOrderMark.size();
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::string place = name_place("line", lines_);
  const std::string number = std::to_string(lines_ + 1);
  if (is_blank(line)) {
    return make_error(ErrorCode::blank_line, "{} of {} is blank", place, name_)
        .with_hint("remove blank lines, with: grep -v '^[[:space:]]*$'")
        .with_detail("line", number);
  }
  if (const auto offset = find_invalid_utf8(line)) {
    return make_error(ErrorCode::bad_input,
                      "{} of {} is not UTF-8: invalid byte at offset {} of the line, {} of the "
                      "input",
                      place, name_, *offset, offset_of_line + *offset)
        .with_hint("convert it first, with: iconv -f LATIN1 -t UTF-8")
        .with_detail("line", number)
        .with_detail("line_offset", std::to_string(*offset))
        .with_detail("offset", std::to_string(offset_of_line + *offset));
  }
  Next next{State::text, std::string(line)};
  begin_ += length + end_length;
  scanned_ = begin_;
  ++lines_;
  return next;
}

Result<EmbedInput> EmbedInput::from_arguments(std::vector<std::string> arguments) {
  EmbedInput input;
  for (size_t i = 0; i < arguments.size(); ++i) TRY(check_argument(arguments[i], i));
  input.arguments_ = arguments.size();
  std::ranges::move(arguments, std::back_inserter(input.ahead_));
  return input;
}

Result<EmbedInput> EmbedInput::open(const std::optional<std::string>& file, int stdin_fd,
                                    LineLimits limits) {
  EmbedInput input;
  int fd = stdin_fd;
  std::string name = "stdin";
  if (file.has_value() && *file != "-") {
    auto opened = os::open_for_reading(*file);
    if (!opened) {
      if (opened.error().code == ErrorCode::not_found) opened.error().code = ErrorCode::no_input;
      return std::move(opened).error();
    }
    input.file_ = *std::move(opened);
    fd = input.file_.get();
    name = fmt::format("'{}'", *file);
  } else if (os::is_terminal(stdin_fd)) {
    return no_input("there is no text, and stdin is a terminal");
  } else if (!os::is_readable_stream(stdin_fd)) {
    return no_input("there is no text, and stdin is closed");
  }
  input.size_bytes_ = os::bytes_left_of_file(fd).value_or(0);
  input.lines_.emplace(fd, std::move(name), limits);
  return input;
}

Result<Next> EmbedInput::take() {
  if (!lines_.has_value()) return Next{};
  TRY_ASSIGN(Next next, lines_->next());
  if (next.state == State::text) ends_.push_back(lines_->bytes());
  return next;
}

Status EmbedInput::read_ahead() {
  if (!lines_.has_value()) return {};
  for (size_t bytes = 0; ahead_.size() < kMostAheadTexts && bytes < kMostAheadBytes;) {
    TRY_ASSIGN(Next next, take());
    if (next.state == State::ended || (next.state == State::pending && !ahead_.empty())) break;
    if (next.state == State::pending) {
      os::wait_readable(fd(), std::nullopt);
      continue;
    }
    bytes += next.text.size();
    ahead_.push_back(std::move(next.text));
  }
  return {};
}

Result<Next> EmbedInput::next() {
  if (ahead_.empty()) return take();
  Next next{State::text, std::move(ahead_.front())};
  ahead_.pop_front();
  return next;
}

Result<std::optional<std::string>> EmbedInput::wait_next() {
  while (true) {
    TRY_ASSIGN(Next taken, next());
    if (taken.state == State::text) return std::optional(std::move(taken.text));
    if (taken.state == State::ended) return std::optional<std::string>();
    os::wait_readable(fd(), std::nullopt);
  }
}

std::string EmbedInput::place(size_t index) const {
  return name_place(lines_.has_value() ? "line" : "text", index);
}

EmbedInput::Position EmbedInput::finish_one() {
  ++finished_;
  if (!lines_.has_value()) return {finished_, arguments_};
  if (ends_.empty()) return {};
  const uint64_t done = ends_.front();
  ends_.pop_front();
  return {done, size_bytes_};
}

}  // namespace runed::cmd
