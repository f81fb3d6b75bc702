#include "base/log.hpp"

#include <fmt/chrono.h>

#include <cstdio>

#include "base/json.hpp"
#include "base/text.hpp"

namespace runed {
namespace {

constexpr std::chrono::seconds kSecond{1};

bool write_to_stderr(std::string_view line) {
  return std::fwrite(line.data(), 1, line.size(), stderr) == line.size();
}

std::string text_to_json(std::string_view text, size_t max_bytes) {
  return to_line(text.size() <= max_bytes ? Json(text) : Json(printable(text, max_bytes)));
}

}  // namespace

std::string format_time(SystemTime time) {
  using std::chrono::milliseconds;
  const auto since_epoch = std::chrono::floor<milliseconds>(time.time_since_epoch());
  const auto millis = since_epoch.count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)), millis);
}

std::string LogValue::to_json(size_t max_bytes) const {
  if (const auto* text = std::get_if<std::string>(&value_)) return text_to_json(*text, max_bytes);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value_)) {
    std::string list;
    for (const std::string& text : *texts) {
      list += (list.empty() ? "" : ",") + text_to_json(text, max_bytes);
    }
    return "[" + list + "]";
  }
  const auto number = [](const auto& value) {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value)>>) {
      return to_line(Json(value));
    } else {
      return std::string();
    }
  };
  return std::visit(number, value_);
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

// Written piece by piece: a JSON object of the library's would need memory even to be destroyed (3.11,
// json_value::destroy), and end the process where there is none.
void Log::write_line(std::string_view message, std::initializer_list<Field> fields, Told& told) {
  const bool is_json = format_ == Format::json;
  const std::string time = format_time(clock_.system_now());
  std::string line =
      is_json ? fmt::format(R"({{"time":"{}","level":"{}","msg":{})", time, told.level,
                            text_to_json(message, kMostValueBytes))
              : fmt::format("{} {:<5} {}", time, told.level, escape_invalid_utf8(message));
  const auto add = [&](const char* name, const LogValue& value) {
    const std::string json = value.to_json(kMostValueBytes);
    line += is_json ? fmt::format(",\"{}\":{}", name, json) : fmt::format(" {}={}", name, json);
  };
  for (const auto& [name, value] : fields) add(name, value);
  if (told.left_out > 0) add("left_out", told.left_out);
  line += is_json ? "}\n" : "\n";
  told.left_out = sink_(line) ? 0 : told.left_out + 1;
}

}  // namespace runed
