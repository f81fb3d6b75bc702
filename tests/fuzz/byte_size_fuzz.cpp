// Any bytes as a size: what is read is shown in a way that reads as the same.

#include <string_view>

#include "base/byte_size.hpp"
#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto bytes = runed::parse_byte_size(text);
  if (!bytes.has_value()) {
    CHECK(bytes.error().code == runed::ErrorCode::invalid_argument);
    return 0;
  }
  const auto again = runed::parse_byte_size(runed::format_byte_size(*bytes));
  CHECK(again.has_value());
  CHECK(*again == *bytes);
  return 0;
}
