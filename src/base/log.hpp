#pragma once

#include <initializer_list>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace runed {

/// The daemon's log: one line per event on stderr, with the values needed to follow it.
/// Lines are JSON with the predecessor's keys (time, level, msg, then ours) for files and
/// collectors, or plain text for a terminal. Texts to embed are never logged.
class Log {
 public:
  enum class Format { text, json };
  using Field = std::pair<const char*, Json>;

  Log(Format format, const Clock& clock) : format_(format), clock_(clock) {}
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void info(std::string_view message, std::initializer_list<Field> fields = {});
  void warn(std::string_view message, std::initializer_list<Field> fields = {});
  void error(std::string_view message, std::initializer_list<Field> fields = {});

 private:
  void write(std::string_view level, std::string_view message, std::initializer_list<Field> fields);

  const Format format_;
  const Clock& clock_;
  std::mutex mutex_;  // Guards stderr: a line is never torn.
};

/// Formats a time as RFC 3339 in UTC with milliseconds: `2026-11-21T08:30:00.125Z`.
std::string format_time(SystemTime time);

}  // namespace runed
