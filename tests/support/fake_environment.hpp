#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace runed::test {

/// An environment of a test's own, with these variables and no other.
class FakeEnvironment {
 public:
  FakeEnvironment(std::initializer_list<std::pair<const std::string, std::string>> variables)
      : variables_(variables) {}

  std::optional<std::string> operator()(const std::string& name) const {
    const auto found = variables_.find(name);
    if (found == variables_.end()) return std::nullopt;
    return found->second;
  }

 private:
  std::map<std::string, std::string> variables_;
};

}  // namespace runed::test
