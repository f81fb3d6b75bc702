// Any bytes as a URL: of a known kind or refused, and what is displayed of it has no secrets' marks.

#include <string_view>

#include "base/check.hpp"
#include "bootstrap/fetch/url.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view url(reinterpret_cast<const char*>(data), size);
  const auto kind = runed::bootstrap::kind_of_url(url);
  const std::string shown = runed::bootstrap::display_url(url);
  if (!kind) return 0;
  if (*kind == runed::bootstrap::UrlKind::file) {
    CHECK(runed::bootstrap::path_of_file_url(url).starts_with('/'));
  } else {
    CHECK(shown.size() <= url.size());
    CHECK(shown.substr(0, shown.find('/', 8)).find('@') == std::string::npos);
  }
  return 0;
}
