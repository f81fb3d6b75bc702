#include "base/duration.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

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

// Adds to `sum`, unless that leaves int64.
bool add_in_range(int64_t& sum, int64_t value) {
  return !__builtin_add_overflow(sum, value, &sum);
}

// Digits taken off the front of `rest`, as many as an int64 holds.
struct Digits {
  int64_t value = 0;
  double scale = 1;  // Ten to the number of digits in `value`.
  bool any = false;
  bool overflow = false;
};

Digits take_digits(std::string_view& rest) {
  Digits digits;
  while (!rest.empty() && is_digit(rest.front())) {
    int64_t next = 0;
    digits.any = true;
    digits.overflow = digits.overflow || __builtin_mul_overflow(digits.value, 10, &next) ||
                      !add_in_range(next, rest.front() - '0');
    if (!digits.overflow) {
      digits.value = next;
      digits.scale *= 10;
    }
    rest.remove_prefix(1);
  }
  return digits;
}

// A number and the unit behind it, taken off the front of `rest`, in nanoseconds; none if the text
// is not one or the value is out of range. All of it is in integers but a fraction, of which the
// digits that a double does not hold are below a nanosecond.
std::optional<int64_t> take_term(std::string_view& rest) {
  const Digits whole = take_digits(rest);
  Digits fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = take_digits(rest);
  }
  size_t unit_length = 0;
  while (unit_length < rest.size() && rest[unit_length] != '.' && !is_digit(rest[unit_length])) {
    ++unit_length;
  }
  const Unit* unit = find_unit(rest.substr(0, unit_length));
  if (!(whole.any || fraction.any) || whole.overflow || unit == nullptr) return std::nullopt;
  rest.remove_prefix(unit_length);
  int64_t value = 0;
  const double part = static_cast<double>(fraction.value) *
                      (static_cast<double>(unit->nanoseconds) / fraction.scale);
  if (__builtin_mul_overflow(whole.value, unit->nanoseconds, &value) ||
      !add_in_range(value, std::llround(part))) {
    return std::nullopt;
  }
  return value;
}

// `count / scale` as a decimal without zeros at its end.
std::string format_decimal(int64_t count, int64_t scale) {
  std::string text = std::to_string(count / scale);
  int64_t rest = count % scale;
  if (rest > 0) text += '.';
  for (; rest > 0; rest %= scale) {
    scale /= 10;
    text += static_cast<char>('0' + rest / scale);
  }
  return text;
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
  int64_t total = 0;
  while (!rest.empty()) {
    const std::optional<int64_t> term = take_term(rest);
    if (!term.has_value() || !add_in_range(total, *term)) return invalid();
  }
  return std::chrono::nanoseconds{negative ? -total : total};
}

std::chrono::milliseconds to_milliseconds(double seconds) {
  constexpr double kYear = 365.0 * 24 * 3600;
  return std::chrono::milliseconds(std::llround(std::min(seconds, kYear) * 1000));
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const int64_t count = duration.count();
  if (count < 0) return "-" + format_duration(-duration);
  if (count < 1'000'000'000) {
    return count == 0 ? "0s" : format_decimal(count, 1'000'000) + "ms";
  }
  const int64_t hours = count / 3'600'000'000'000;
  const int64_t minutes = count / 60'000'000'000 % 60;
  const int64_t second_part = count % 60'000'000'000;
  std::string text;
  if (hours > 0) text += fmt::format("{}h", hours);
  if (minutes > 0) text += fmt::format("{}m", minutes);
  if (second_part > 0) text += format_decimal(second_part, 1'000'000'000) + "s";
  return text;
}

}  // namespace runed
