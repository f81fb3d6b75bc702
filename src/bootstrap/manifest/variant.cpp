#include "bootstrap/manifest/variant.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/letter_case.hpp"
#include "base/text.hpp"
#include "embed/model/builtin_model.hpp"

namespace runed::bootstrap {
namespace {

constexpr size_t kLongestName = 200;  // With `.gguf.partial.json` it still is a file name.

bool is_alphanumeric(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
         (letter >= 'A' && letter <= 'Z');
}

}  // namespace

const std::string& builtin_variant() {
  static const std::string variant = fmt::format("builtin:{}", embed::builtin_model_name());
  return variant;
}

Result<std::string> find_variant(std::span<const std::string> names, std::string_view wanted) {
  if (std::ranges::find(names, wanted) != names.end()) return std::string(wanted);
  std::vector<std::string> matching;
  std::ranges::copy_if(names, std::back_inserter(matching), [wanted](const std::string& name) {
    return name.ends_with(fmt::format(".{}", wanted));
  });
  if (matching.size() == 1) return matching.front();
  if (!matching.empty()) {
    return make_error(ErrorCode::bad_config, "variant '{}' could be any of: {}", printable(wanted),
                      join_names(matching))
        .with_hint("name it in full");
  }
  return make_error(ErrorCode::not_found, "there is no variant '{}'", printable(wanted))
      .with_hint(advise_variant(names, wanted));
}

std::string advise_variant(std::span<const std::string> names, std::string_view wanted) {
  if (names.empty()) return "there are none";
  std::vector<std::string> shown;  // Of which `lowered` are the same in lower case.
  std::vector<std::string> lowered;
  const auto add = [&](std::string name) {
    lowered.push_back(in_lower_case(name));
    shown.push_back(std::move(name));
  };
  for (const std::string& name : names) add(name);
  for (const std::string& name : names) {
    std::string last = name.substr(name.rfind('.') + 1);
    // One that several names end with is no name.
    if (find_variant(names, last)) add(std::move(last));
  }
  const std::string all = "there are: " + join_names(names);
  const auto nearest = find_nearest(in_lower_case(wanted), lowered);
  if (!nearest.has_value()) return all;
  const auto at = static_cast<size_t>(std::ranges::find(lowered, *nearest) - lowered.begin());
  return fmt::format("did you mean '{}'? {}", printable(shown[at]), all);
}

std::string join_names(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + printable(name);
  return text;
}

bool is_variant_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && is_alphanumeric(name.front()) &&
         std::ranges::all_of(name, [](char letter) {
           return is_alphanumeric(letter) ||
                  std::string_view("._-+").find(letter) != std::string_view::npos;
         });
}

}  // namespace runed::bootstrap
