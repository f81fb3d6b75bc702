#include "base/byte_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace runed {
namespace {

struct Unit {
  std::string_view name;
  uint64_t bytes;
};

// The order is that in which a size is formatted: the largest first.
constexpr std::array kUnits{
    Unit{"TiB", uint64_t{1} << 40}, Unit{"TB", 1'000'000'000'000},
    Unit{"GiB", uint64_t{1} << 30}, Unit{"GB", 1'000'000'000},
    Unit{"MiB", uint64_t{1} << 20}, Unit{"MB", 1'000'000},
    Unit{"KiB", uint64_t{1} << 10}, Unit{"KB", 1'000},
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Zero for a unit that there is not.
uint64_t bytes_of_unit(std::string_view name) {
  const auto is_named = [](std::string_view text, std::string_view unit) {
    return std::ranges::equal(text, unit, {}, lower, lower);
  };
  if (name.empty() || is_named(name, "B")) return 1;
  const auto* const found =
      std::ranges::find_if(kUnits, [&](const Unit& unit) { return is_named(name, unit.name); });
  return found == kUnits.end() ? 0 : found->bytes;
}

}  // namespace

Result<uint64_t> parse_byte_size(std::string_view text) {
  const Error invalid =
      make_error(ErrorCode::invalid_argument, "invalid size '{}'", text)
          .with_hint(
              "write a whole number of bytes, or one with a unit, such as 600MiB, 2GiB or "
              "500MB");
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number);
  if (fault != std::errc{}) return invalid;
  const uint64_t unit = bytes_of_unit({rest, static_cast<size_t>(end - rest)});
  if (unit == 0 || number > std::numeric_limits<uint64_t>::max() / unit) return invalid;
  return number * unit;
}

std::string format_byte_size(uint64_t bytes) {
  const auto* const exact = std::ranges::find_if(
      kUnits, [bytes](const Unit& unit) { return bytes > 0 && bytes % unit.bytes == 0; });
  if (exact == kUnits.end()) return std::to_string(bytes);
  return fmt::format("{}{}", bytes / exact->bytes, exact->name);
}

}  // namespace runed
