#include "bootstrap/variant.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"

namespace runed::bootstrap {
namespace {

constexpr size_t kLongestName = 200;  // With `.gguf.partial.json` it still is a file name.

bool is_alphanumeric(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
         (letter >= 'A' && letter <= 'Z');
}

}  // namespace

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
      .with_hint(names.empty() ? "there are none" : "there are: " + join_names(names));
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
