#include "base/log.hpp"

#include <fmt/chrono.h>

#include <cstdio>

#include "base/text.hpp"

namespace runed {

std::string format_time(SystemTime time) {
  using std::chrono::milliseconds;
  const auto since_epoch = std::chrono::floor<milliseconds>(time.time_since_epoch());
  const auto millis = since_epoch.count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)), millis);
}

void Log::info(std::string_view message, std::initializer_list<Field> fields) {
  write("INFO", message, fields);
}

void Log::warn(std::string_view message, std::initializer_list<Field> fields) {
  write("WARN", message, fields);
}

void Log::error(std::string_view message, std::initializer_list<Field> fields) {
  write("ERROR", message, fields);
}

void Log::write(std::string_view level, std::string_view message,
                std::initializer_list<Field> fields) {
  const std::string time = format_time(clock_.system_now());
  std::string line;
  if (format_ == Format::json) {
    Json json = {{"time", time}, {"level", level}, {"msg", message}};
    for (const Field& field : fields) json[field.first] = field.second;
    line = to_line(json) + "\n";
  } else {
    line = fmt::format("{} {:<5} {}", time, level, escape_invalid_utf8(message));
    for (const Field& field : fields) {
      line += fmt::format(" {}={}", field.first, to_line(field.second));
    }
    line += "\n";
  }
  const std::lock_guard lock(mutex_);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace runed
