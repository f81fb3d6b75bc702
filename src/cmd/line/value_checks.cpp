#include "cmd/line/value_checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.hpp"

namespace runed::cmd {
namespace {

constexpr int64_t kMostSeconds = int64_t{366} * 24 * 3600;

template <typename Number>
std::optional<Number> find_number(const std::string& text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number);
  if (fault != std::errc{} || rest != end) return std::nullopt;
  return number;
}

}  // namespace

std::string check_seconds(const std::string& text) {
  const auto seconds = find_number<double>(text);
  if (seconds.has_value() && *seconds > 0 && *seconds <= kMostSeconds) return {};
  return fmt::format("'{}' is not a number of seconds above 0, up to {}", text, kMostSeconds);
}

std::string check_seconds_or_none(const std::string& text) {
  const auto seconds = find_number<double>(text);
  if (seconds.has_value() && *seconds >= 0 && *seconds <= kMostSeconds) return {};
  return fmt::format("'{}' is not a number of seconds from 0 to {}", text, kMostSeconds);
}

std::string check_whole_number(const std::string& text, int64_t least, int64_t most) {
  const auto number = find_number<int64_t>(text);
  if (number.has_value() && *number >= least && *number <= most) return {};
  return fmt::format("'{}' is not a whole number from {} to {}", text, least, most);
}

std::string check_dimension_number(const std::string& text) {
  if (find_number<int64_t>(text).has_value()) return {};
  return fmt::format(
      "'{}' is not a whole number from 1 to the dimensions of the model, which "
      "'runed status' tells",
      text);
}

std::string check_choice(const std::string& text, const std::vector<std::string>& choices) {
  if (std::ranges::find(choices, text) != choices.end()) return {};
  const auto nearest = find_nearest(text, choices);
  return fmt::format("'{}' is none of {}{}", text, fmt::join(choices, ", "),
                     nearest.has_value() ? fmt::format("; did you mean '{}'?", *nearest) : "");
}

}  // namespace runed::cmd
