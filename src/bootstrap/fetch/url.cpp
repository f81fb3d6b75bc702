#include "bootstrap/fetch/url.hpp"

#include <algorithm>
#include <array>
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

// Of what follows the scheme: user, password and the `@` behind them. A password may have a `/`, `?` or
// `#` that ought to be escaped: what then seems to be a port is no number.
size_t userinfo_length(std::string_view rest) {
  std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const size_t colon = authority.find(':');
  const std::string_view port =
      colon == std::string_view::npos ? std::string_view() : authority.substr(colon + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool is_cut = authority.find('@') == std::string_view::npos &&
                      !authority.starts_with('[') && !std::ranges::all_of(port, is_digit);
  const size_t at = (is_cut ? rest : authority).rfind('@');
  return at == std::string_view::npos ? 0 : at + 1;
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
    const size_t scheme = text.find("://");
    const size_t authority = scheme == std::string::npos ? 0 : scheme + 3;
    text.erase(authority, userinfo_length(std::string_view(text).substr(authority)));
    text = text.substr(0, text.find_first_of("?#"));
  }
  // It comes from a manifest or a server, and may be made to move a terminal's cursor.
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return text;
}

std::string without_proxy_secrets(std::string text, const Environment& environment) {
  constexpr std::array kVariables{"http_proxy", "https_proxy", "HTTPS_PROXY",
                                  "HTTP_PROXY", "all_proxy",   "ALL_PROXY"};
  for (const char* name : kVariables) {
    const auto value = find_variable(environment, name);
    if (!value.has_value()) continue;
    const std::string shown = display_url(*value);
    for (size_t at = 0; (at = text.find(*value, at)) != std::string::npos; at += shown.size()) {
      text.replace(at, value->size(), shown);
    }
  }
  return text;
}

}  // namespace runed::bootstrap
