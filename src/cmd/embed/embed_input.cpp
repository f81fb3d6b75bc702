#include "cmd/embed/embed_input.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/encoding.hpp"
#include "base/file_kind.hpp"
#include "base/text.hpp"
#include "os/file/files.hpp"
#include "os/net/poll.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

using State = client::TextSource::State;
using Next = client::TextSource::Next;

constexpr Fact<uint64_t> kOffset{"offset"};  // In the stream, or in an argument.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kBeginBytes = size_t{64} << 10;  // That tell what an input is.
constexpr size_t kMostAheadTexts = 1024;
constexpr size_t kMostAheadBytes = size_t{1} << 20;

Error no_input(std::string message) {
  return make_error(ErrorCode::no_input, "{}", message)
      .with_hint("give texts as arguments, one a line on stdin, or a file with -f FILE");
}

std::string name_place(std::string_view kind, uint64_t index) {
  return fmt::format("{} {}", kind, index + 1);
}

std::string_view without_mark(std::string_view text) {
  while (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

// Which text it is: for people from 1, as the index of its result would be from 0.
Error at_number(Error error, const char* kind, uint64_t index) {
  return std::move(error).with(Fact<uint64_t>{kind}, index + 1).with(fact::kIndex, index);
}

Error with_look(Error error, const Encoding& encoding) {
  return std::move(error)
      .with_hint(fmt::format("it looks like {}: {}", encoding.name, encoding.advice))
      .with(Fact<std::string>{"looks_like"}, encoding.name);
}

Status check_argument(std::string& text, size_t index) {
  text.erase(0, text.size() - without_mark(text).size());
  // What a daemon refuses: one of spaces has a vector.
  if (text.empty()) {
    return at_number(make_error(ErrorCode::blank_line, "{} is blank", name_place("text", index)),
                     "text", index)
        .with_hint("leave it out");
  }
  if (const auto offset = find_invalid_utf8(text)) {
    return with_look(
        at_number(make_error(ErrorCode::bad_input, "{} is not UTF-8: invalid byte at offset {}",
                             name_place("text", index), *offset),
                  "text", index)
            .with(kOffset, *offset),
        describe_encoding(text));
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
    const bool is_begin = lines_ == 0 && scanned_ < kBeginBytes;
    const bool is_line = end != std::string::npos || is_at_end_;
    if (is_begin && (is_line || held >= kBeginBytes)) TRY(check_begin());
    if (held > limits_.line_bytes) return too_long();
    if (end != std::string::npos) return take_line(held, 1);
    scanned_ = buffer_.size();
    if (is_at_end_) {
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
  return at_number(make_error(ErrorCode::text_too_long, "{} of {} is longer than {}",
                              name_place("line", lines_), name_, format_bytes(limits_.line_bytes)),
                   "line", lines_)
      .with_hint("one line is one text: split it")
      .with(Fact<uint64_t>{"limit_bytes"}, limits_.line_bytes);
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
  if (!count) return std::move(count).error().in("cannot read " + name_);
  return count;
}

Error LineReader::not_text(const std::string& what, size_t offset, size_t line_offset) const {
  return at_number(make_error(ErrorCode::bad_input, "{}", what), "line", lines_)
      .with(Fact<uint64_t>{"line_offset"}, line_offset)
      .with(kOffset, base_ + offset);
}

// Before the first line is judged: of UTF-16 it may be blank, or seem to be UTF-8. A line that is
// text, and has no half of a wide line feed behind it, is of a file that another one was joined to,
// unless it is the first one of a PDF or the like.
Status LineReader::check_begin() const {
  const size_t end = std::min(buffer_.find('\n'), buffer_.size());
  const bool has_wide_end = end + 1 < buffer_.size() && buffer_[end + 1] == '\0';
  const bool is_text = !has_wide_end && buffer_.find('\0') >= end &&
                       !find_invalid_utf8(std::string_view(buffer_).substr(0, end));
  if (is_text && !find_file_kind(buffer_)) return {};
  const auto foreign = find_foreign_content(buffer_);
  if (!foreign.has_value()) return {};
  const size_t offset = find_invalid_utf8(buffer_).value_or(0);
  Error error = not_text(fmt::format("{} is {}, not text in UTF-8", name_, foreign->name), offset,
                         offset);
  return with_look(std::move(error), *foreign).with_hint(foreign->advice);
}

// A line of the buffer. What it is, the bytes before and after it tell better than it does alone.
Status LineReader::check_text(std::string_view line) const {
  const auto fault = find_invalid_utf8(line);
  const bool has_nul = line.find('\0') != std::string_view::npos;
  if (!fault.has_value() && !has_nul) return {};
  const auto place = static_cast<size_t>(line.data() - buffer_.data());
  const size_t offset = place + fault.value_or(0);
  // Files that are joined can be of several kinds.
  if (const auto foreign = find_foreign_content(std::string_view(buffer_).substr(begin_))) {
    Error error = not_text(fmt::format("{} is {} from line {} on, not text in UTF-8", name_,
                                       foreign->name, lines_ + 1),
                           offset, fault.value_or(0));
    return with_look(std::move(error), *foreign).with_hint(foreign->advice);
  }
  if (!fault.has_value()) return {};
  Error error =
      not_text(fmt::format("{} of {} is not UTF-8: invalid byte at offset {} of the line, {} of "
                           "the input",
                           name_place("line", lines_), name_, *fault, base_ + offset),
               offset, *fault);
  return with_look(std::move(error), describe_text(buffer_, offset,
                                                   is_at_end_ ? Extent::whole : Extent::begin));
}

// The line of this length at begin_, and past it to the next.
Result<Next> LineReader::take_line(size_t length, size_t end_length) {
  std::string_view line = without_mark(std::string_view(buffer_).substr(begin_, length));
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) {
    return at_number(make_error(ErrorCode::blank_line, "{} of {} is blank",
                                name_place("line", lines_), name_),
                     "line", lines_)
        .with_hint("remove blank lines, with: grep -v '^[[:space:]]*$'");
  }
  TRY(check_text(line));
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
    auto opened = os::open_input(*file);
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
