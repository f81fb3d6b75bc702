#include "bootstrap/url.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace runed::bootstrap {
namespace {

constexpr std::string_view kHttps = "https://";
constexpr std::string_view kHttp = "http://";
constexpr std::string_view kFile = "file:///";  // No host: the file is on this machine.

// A scheme may be in any case. Source: RFC 3986, section 3.1.
bool has_scheme(std::string_view url, std::string_view scheme) {
  return url.size() >= scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), url.begin(), [](char a, char b) {
           return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
         });
}

}  // namespace

Result<UrlKind> kind_of_url(std::string_view url) {
  if (has_scheme(url, kHttps)) return UrlKind::https;
  if (has_scheme(url, kHttp)) return UrlKind::http;
  if (has_scheme(url, kFile) || url.starts_with('/')) return UrlKind::file;
  return make_error(ErrorCode::invalid_argument, "cannot fetch '{}': not a URL of a known kind",
                    display_url(url))
      .with_hint("write https://…, http://…, file:///… or an absolute path");
}

std::string path_of_file_url(std::string_view url) {
  if (!has_scheme(url, kFile)) return std::string(url);  // A path, as it is.
  url.remove_prefix(kFile.size() - 1);
  std::string path;
  while (!url.empty()) {
    unsigned char byte = 0;
    const char* const digits = url.data() + 1;
    if (url.size() >= 3 && url[0] == '%' &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      path += static_cast<char>(byte);
      url.remove_prefix(3);
    } else {
      path += url[0];
      url.remove_prefix(1);
    }
  }
  return path;
}

std::string display_url(std::string_view url) {
  std::string text(url);
  if (!url.starts_with('/') && !has_scheme(url, kFile)) {
    text = text.substr(0, text.find_first_of("?#"));
    const size_t scheme = text.find("://");
    const size_t authority = scheme == std::string::npos ? 0 : scheme + 3;
    const size_t user_end = text.substr(0, text.find('/', authority)).rfind('@');
    if (user_end != std::string::npos && user_end >= authority) {
      text.erase(authority, user_end + 1 - authority);
    }
  }
  // It comes from a manifest or a server, and may be made to move a terminal's cursor.
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return text;
}

}  // namespace runed::bootstrap
