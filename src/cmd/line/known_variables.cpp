#include "cmd/line/known_variables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.hpp"
#include "bootstrap/config/environment.hpp"
#include "bootstrap/config/setting_table.hpp"

namespace runed::cmd {
namespace {

constexpr std::string_view kPrefix = "RUNED_";

// Of the tests and their scripts, and of children that are us.
constexpr std::array<std::string_view, 4> kOtherPrefixes{"RUNED_TEST_", "RUNED_E2E_", "RUNED_SKIP_",
                                                         "RUNED_CHILD_"};

// Without the prefix, in which nothing can be near anything.
std::vector<std::string> known_names() {
  std::vector<std::string> names;
  for (const auto rows : {bootstrap::place_rows(), bootstrap::setting_rows()}) {
    for (const bootstrap::SettingRow& row : rows) {
      if (row.variable != nullptr) names.emplace_back(row.variable + kPrefix.size());
    }
  }
  return names;
}

}  // namespace

std::vector<std::string> find_misspelt_variables(std::span<const std::string> environment) {
  const std::vector<std::string> known = known_names();
  std::vector<std::string> found;
  for (const std::string& variable : environment) {
    const std::string name = variable.substr(0, variable.find('='));
    if (!name.starts_with(kPrefix) || name == bootstrap::kStartedOnDemand) continue;
    if (std::ranges::any_of(kOtherPrefixes,
                            [&name](auto other) { return name.starts_with(other); })) {
      continue;
    }
    const std::string rest = name.substr(kPrefix.size());
    if (std::ranges::find(known, rest) != known.end()) continue;
    if (const auto nearest = find_nearest(rest, known)) {
      found.push_back(fmt::format("there is no variable '{}': did you mean '{}{}'?",
                                  printable(name), kPrefix, *nearest));
    }
  }
  return found;
}

}  // namespace runed::cmd
