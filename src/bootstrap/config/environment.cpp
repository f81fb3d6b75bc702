#include "bootstrap/config/environment.hpp"

#include "os/process/process.hpp"

namespace runed::bootstrap {

std::optional<std::string> find_variable(const Environment& environment, const std::string& name) {
  std::optional<std::string> value = environment(name);
  if (value.has_value() && value->empty()) return std::nullopt;
  return value;
}

std::string expand_home(const Environment& environment, std::string path) {
  if (!path.starts_with("~/")) return path;
  auto home = find_variable(environment, "HOME");
  if (!home.has_value()) home = os::home_directory().value_or("~");
  return path.replace(0, 1, *home);
}

}  // namespace runed::bootstrap
