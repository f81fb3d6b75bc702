// Any bytes as config.json: faults that name the file, values that are there and not empty, and
// declared models that have a name and one of variant and path.

#include <string_view>

#include "base/check.hpp"
#include "bootstrap/config/config_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = runed::bootstrap::parse_config("c.json", text);
  for (const runed::Error& fault : config.faults) {
    CHECK(fault.code == runed::ErrorCode::bad_config);
    CHECK(fault.message.starts_with("cannot use 'c.json': "));
  }
  for (const auto& [key, value] : config.values) {
    CHECK(!value.empty());
    CHECK(config.find(key) == value);
  }
  for (const runed::bootstrap::DeclaredModel& model : config.models) {
    CHECK(!runed::bootstrap::find_name_fault(model.name).has_value());
    CHECK(model.variant.has_value() != model.path.has_value());
  }
  return 0;
}
