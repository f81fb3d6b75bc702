#include "cmd/seconds.hpp"

#include <fmt/format.h>

#include <charconv>

namespace runed::cmd {
namespace {

constexpr double kMostSeconds = 366.0 * 24 * 3600;

}  // namespace

std::string check_seconds(const std::string& text) {
  double seconds = 0;
  const char* end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, seconds);
  if (fault == std::errc{} && rest == end && seconds > 0 && seconds <= kMostSeconds) return {};
  return fmt::format("'{}' is not a number of seconds above 0", text);
}

}  // namespace runed::cmd
