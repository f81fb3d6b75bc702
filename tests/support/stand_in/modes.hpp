#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace runed::test {

/// What the stand-in does differently from a llama-server in good health: `nan`, `slow=20`. The
/// table in modes.cpp says what there is.
class Modes {
 public:
  /// Adds one; false if there is none of that name, or its value is missing or too much.
  bool add(std::string_view mode);

  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::optional<uint64_t> number(std::string_view name) const;
  std::string text(std::string_view name) const;  // Empty without it.

  /// Forgets the faults and keeps what describes the build and the model.
  void forget_faults();

 private:
  const std::string* find(std::string_view name) const;

  std::map<std::string, std::string, std::less<>> values_;
};

/// The names, one a line, for `--help`.
std::string list_modes();

}  // namespace runed::test
