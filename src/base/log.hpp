#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"

namespace runed {

/// A value in a line of the log.
class LogValue {
 public:
  LogValue(bool value) : value_(value) {}
  LogValue(double value) : value_(value) {}
  LogValue(std::string text) : value_(std::move(text)) {}
  LogValue(std::string_view text) : value_(std::string(text)) {}
  LogValue(const char* text) : value_(std::string(text)) {}
  LogValue(std::vector<std::string> texts) : value_(std::move(texts)) {}
  template <typename Integer>
  requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>) LogValue(Integer value)
      : value_(
            static_cast<std::conditional_t<std::is_signed_v<Integer>, int64_t, uint64_t>>(value)) {}

  /// Returns it as JSON, a text of at most `max_bytes`.
  std::string to_json(size_t max_bytes) const;

 private:
  std::variant<bool, int64_t, uint64_t, double, std::string, std::vector<std::string>> value_;
};

/// The daemon's log: one line per event, with the values needed to follow it. Lines are JSON with the
/// predecessor's keys (time, level, msg, then ours) for files and collectors, or plain text for a
/// terminal. Texts to embed are never logged. What peers can cause often is no flood: of one message
/// there are so many lines a second, the next one has the number of those `left_out`, and a value has
/// so many bytes.
class Log {
 public:
  enum class Format { text, json };
  using Field = std::pair<const char*, LogValue>;
  /// Takes a line, with its line feed, and tells whether it could be written.
  using Sink = std::function<bool(std::string_view line)>;

  static constexpr int kMostLinesASecond = 20;  // Of one message.
  static constexpr size_t kMostValueBytes = 2048;

  /// Writes to `sink`, or else to stderr. Each message is a text of the program's own, not a peer's.
  Log(Format format, const Clock& clock, Sink sink = {});
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  void info(std::string_view message, std::initializer_list<Field> fields = {});
  void warn(std::string_view message, std::initializer_list<Field> fields = {});
  void error(std::string_view message, std::initializer_list<Field> fields = {});

  /// Writes a line for each message of which some were left out and that has paused for a second. To
  /// be called now and then: no other line of it may come. The destructor does so for all.
  void tell_left_out();

 private:
  // What was told of one message.
  struct Told {
    std::string_view level;
    SteadyTime second;  // When the one began in which `lines` were written.
    int lines = 0;
    uint64_t left_out = 0;  // Since the last line; also those that could not be written.
  };

  void write(std::string_view level, std::string_view message, std::initializer_list<Field> fields);
  void write_line(std::string_view message, std::initializer_list<Field> fields, Told& told);

  const Format format_;
  const Clock& clock_;
  const Sink sink_;
  std::mutex mutex_;  // Guards told_, and the sink: a line is never torn.
  std::map<std::string, Told, std::less<>> told_;  // By message.
};

/// Formats a time as RFC 3339 in UTC with milliseconds: `2026-11-21T08:30:00.125Z`.
std::string format_time(SystemTime time);

}  // namespace runed
