#include "bootstrap/environment.hpp"

namespace runed::bootstrap {

std::optional<std::string> find_variable(const Environment& environment, const std::string& name) {
  std::optional<std::string> value = environment(name);
  if (value.has_value() && value->empty()) return std::nullopt;
  return value;
}

}  // namespace runed::bootstrap
