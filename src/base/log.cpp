#include "base/log.hpp"

#include <fmt/chrono.h>

#include <cstdio>

#include "base/text.hpp"

namespace runed {
namespace {

constexpr std::chrono::seconds kSecond{1};

bool write_to_stderr(std::string_view line) {
  return std::fwrite(line.data(), 1, line.size(), stderr) == line.size();
}

Json bounded(const Json& value) {
  if (!value.is_string()) return value;
  const auto& text = value.get_ref<const std::string&>();
  return text.size() <= Log::kMostValueBytes ? value : Json(printable(text, Log::kMostValueBytes));
}

}  // namespace

std::string format_time(SystemTime time) {
  using std::chrono::milliseconds;
  const auto since_epoch = std::chrono::floor<milliseconds>(time.time_since_epoch());
  const auto millis = since_epoch.count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)), millis);
}

Log::Log(Format format, const Clock& clock, Sink sink)
    : format_(format), clock_(clock), sink_(sink ? std::move(sink) : Sink(write_to_stderr)) {}

Log::~Log() {
  for (auto& [message, told] : told_) {
    if (told.left_out > 0) write_line(message, {}, told);
  }
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

void Log::tell_left_out() {
  const std::lock_guard lock(mutex_);
  for (auto& [message, told] : told_) {
    const uint64_t left_out = told.left_out;
    if (left_out == 0 || clock_.steady_now() - told.second < kSecond) continue;
    write_line(message, {}, told);
    if (told.left_out > 0) told.left_out = left_out;  // This line is not one of them.
  }
}

void Log::write(std::string_view level, std::string_view message,
                std::initializer_list<Field> fields) {
  const std::lock_guard lock(mutex_);
  Told& told = told_.try_emplace(std::string(message)).first->second;
  told.level = level;
  const SteadyTime now = clock_.steady_now();
  if (now - told.second >= kSecond) {
    told.second = now;
    told.lines = 0;
  }
  if (told.lines == kMostLinesASecond) {
    ++told.left_out;
    return;
  }
  ++told.lines;
  write_line(message, fields, told);
}

void Log::write_line(std::string_view message, std::initializer_list<Field> fields, Told& told) {
  const std::string time = format_time(clock_.system_now());
  Json json = {{"time", time}, {"level", told.level}, {"msg", message}};
  std::string line = fmt::format("{} {:<5} {}", time, told.level, escape_invalid_utf8(message));
  const auto add = [&](const char* name, const Json& value) {
    if (format_ == Format::json) {
      json[name] = value;
    } else {
      line += fmt::format(" {}={}", name, to_line(value));
    }
  };
  for (const auto& [name, value] : fields) add(name, bounded(value));
  if (told.left_out > 0) add("left_out", told.left_out);
  if (format_ == Format::json) line = to_line(json);
  told.left_out = sink_(line + "\n") ? 0 : told.left_out + 1;
}

}  // namespace runed
