#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "client/text_source.hpp"
#include "os/file/fd.hpp"

namespace runed::cmd {

/// How much of an input is read at a time, and how long a line may be.
struct LineLimits {
  size_t chunk_bytes = size_t{128} << 10;
  size_t line_bytes = (size_t{64} << 20) - 1024;  // What a daemon takes in one message.
};

/// Reads a stream line by line, in chunks. A line is a text: without its line feed, nor a carriage
/// return before it, nor a byte order mark at its start, which files that were joined have too.
class LineReader {
 public:
  /// Reads a descriptor that is borrowed. `name` is what the stream is called in errors.
  LineReader(int fd, std::string name, LineLimits limits = {});

  /// Takes the next line, without waiting for one.
  /// Errors: no_input if the stream is empty; blank_line; bad_input if a line is not UTF-8, or the
  ///         stream is no text (details: line, offset in the line, offset in the stream, and what it
  ///         looks like); text_too_long; io.
  Result<client::TextSource::Next> next();

  uint64_t lines() const { return lines_; }          // Taken.
  uint64_t bytes() const { return base_ + begin_; }  // Of the stream, up to the last line taken.
  int fd() const { return fd_; }

 private:
  Result<client::TextSource::Next> take_line(size_t length, size_t end_length);
  Status check_begin() const;
  Status check_text(std::string_view line) const;
  Result<size_t> read_chunk();
  Error too_long() const;
  Error not_text(const std::string& what, size_t offset, size_t line_offset) const;

  int fd_;
  std::string name_;
  LineLimits limits_;
  std::string buffer_;
  size_t begin_ = 0;    // Of the next line in the buffer.
  size_t scanned_ = 0;  // There is no line feed from begin_ to here.
  uint64_t base_ = 0;   // Where in the stream the buffer begins.
  uint64_t lines_ = 0;
  bool is_at_end_ = false;
};

/// The texts of one command, one after another, and where each came from. Holds no more of a stream
/// than a chunk, a line and what was read ahead.
class EmbedInput final : public client::TextSource {
 public:
  /// Takes each argument as a text.
  /// Errors: blank_line; bad_input if one is not UTF-8.
  static Result<EmbedInput> from_arguments(std::vector<std::string> arguments);

  /// Opens a file, `-` or nothing for stdin, to take its lines.
  /// Errors: no_input if stdin is a terminal or there is no such file; io.
  static Result<EmbedInput> open(const std::optional<std::string>& file, int stdin_fd,
                                 LineLimits limits = {});

  /// Waits for the first text and takes what there is after it without waiting, up to a bound: so
  /// that a fault at the start is found before anything is done for the texts before it.
  /// Errors: as those of `next`.
  Status read_ahead();

  /// Errors: those of LineReader::next.
  Result<Next> next() override;
  int fd() const override { return lines_.has_value() ? lines_->fd() : -1; }

  /// As `next`, but waits.
  Result<std::optional<std::string>> wait_next();

  /// Names the place of a text for the user: `line 3`, `text 1`.
  std::string place(size_t index) const;
  bool has_lines() const { return lines_.has_value(); }

  /// How much of an input of known size has been dealt with.
  struct Position {
    uint64_t done = 0;
    uint64_t total = 0;  // 0: unknown.
  };
  /// Counts the next of the texts that were taken as dealt with, and tells how far that is.
  Position finish_one();

 private:
  EmbedInput() = default;
  Result<Next> take();

  os::Fd file_;
  std::optional<LineReader> lines_;  // None: arguments.
  uint64_t size_bytes_ = 0;          // Of a regular file.
  std::deque<std::string> ahead_;    // Arguments, or what was read ahead.
  std::deque<uint64_t> ends_;        // Where in the stream each text ends that is not finished.
  uint64_t finished_ = 0;
  uint64_t arguments_ = 0;
};

}  // namespace runed::cmd
