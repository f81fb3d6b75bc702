#include "base/duration.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace runed {
namespace {

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};

constexpr std::array kUnits{
    Unit{"ns", 1},
    Unit{"us", 1'000},
    Unit{"\u00b5s", 1'000},  // Micro sign.
    Unit{"\u03bcs", 1'000},  // Greek mu.
    Unit{"ms", 1'000'000},
    Unit{"s", 1'000'000'000},
    Unit{"m", 60'000'000'000},
    Unit{"h", 3'600'000'000'000},
};

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// A number and the unit behind it, taken off the front of `rest`, in nanoseconds; negative if the
// text is not one or the value is out of range. Whole and fraction are kept apart so that 0.1s is
// exact.
double take_term(std::string_view& rest) {
  size_t length = 0;
  bool digits = false;
  double value = 0;
  while (length < rest.size() && is_digit(rest[length])) {
    value = value * 10 + (rest[length++] - '0');
    digits = true;
  }
  if (length < rest.size() && rest[length] == '.') {
    ++length;
    for (double scale = 0.1; length < rest.size() && is_digit(rest[length]); scale /= 10) {
      value += (rest[length++] - '0') * scale;
      digits = true;
    }
  }
  rest.remove_prefix(length);
  size_t unit_length = 0;
  while (unit_length < rest.size() && rest[unit_length] != '.' && !is_digit(rest[unit_length])) {
    ++unit_length;
  }
  const Unit* unit = find_unit(rest.substr(0, unit_length));
  if (!digits || unit == nullptr) return -1;
  rest.remove_prefix(unit_length);
  return value * static_cast<double>(unit->nanoseconds);
}

}  // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const auto invalid = [text] {
    return make_error(ErrorCode::invalid_argument, "invalid duration '{}'", text)
        .with_hint("write a number with a unit, such as 30s, 10m or 1h30m; 0 means never");
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds{0};
  if (rest.empty()) return invalid();
  double total = 0;
  while (!rest.empty()) {
    const double term = take_term(rest);
    if (term < 0) return invalid();
    total += term;
  }
  if (total >= static_cast<double>(std::numeric_limits<int64_t>::max())) return invalid();
  const auto count = static_cast<int64_t>(std::llround(total));
  return std::chrono::nanoseconds{negative ? -count : count};
}

std::chrono::milliseconds to_milliseconds(double seconds) {
  constexpr double kYear = 365.0 * 24 * 3600;
  return std::chrono::milliseconds(std::llround(std::min(seconds, kYear) * 1000));
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const int64_t count = duration.count();
  if (count < 0) return "-" + format_duration(-duration);
  if (count < 1'000'000'000) {
    return count == 0 ? "0s" : fmt::format("{}ms", static_cast<double>(count) / 1e6);
  }
  const int64_t hours = count / 3'600'000'000'000;
  const int64_t minutes = count / 60'000'000'000 % 60;
  const double seconds = static_cast<double>(count % 60'000'000'000) / 1e9;
  std::string text;
  if (hours > 0) text += fmt::format("{}h", hours);
  if (minutes > 0) text += fmt::format("{}m", minutes);
  if (seconds > 0) text += fmt::format("{}s", seconds);
  return text;
}

}  // namespace runed
