#include "bootstrap/fetch/content_range.hpp"

#include <algorithm>
#include <charconv>

namespace runed::bootstrap {

ContentRange parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return {};
  const auto number = [](std::string_view digits) -> std::optional<uint64_t> {
    uint64_t value = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{}) {
      return std::nullopt;
    }
    return value;
  };
  text.remove_prefix(kUnit.size());
  return {number(text), number(text.substr(std::min(text.find('/'), text.size() - 1) + 1))};
}

}  // namespace runed::bootstrap
