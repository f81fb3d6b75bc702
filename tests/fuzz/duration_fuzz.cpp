// Any bytes as a duration: what is read is shown in a way that reads as the same.

#include <string_view>

#include "base/check.hpp"
#include "base/duration.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto duration = runed::parse_duration(text);
  if (!duration.has_value()) {
    CHECK(duration.error().code == runed::ErrorCode::invalid_argument);
    return 0;
  }
  const auto again = runed::parse_duration(runed::format_duration(*duration));
  CHECK(again.has_value());
  CHECK(*again == *duration);
  return 0;
}
