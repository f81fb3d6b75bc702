#include "support/http_request.hpp"

#include <cctype>
#include <span>

#include "base/text.hpp"

namespace runed::test {
namespace {

std::string lower(std::string_view text) {
  std::string result;
  for (const unsigned char c : text) result += static_cast<char>(std::tolower(c));
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

}  // namespace

HttpSeen parse_request_head(const std::string& head) {
  HttpSeen request;
  const auto lines = split(head, '\n');
  const auto words = split(trimmed(lines[0]), ' ');
  if (words.size() == 3) {
    request.method = words[0];
    request.path = words[1].substr(0, words[1].find('?'));
  }
  for (const std::string_view line : std::span(lines).subspan(1)) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    request.headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
  }
  return request;
}

std::string HttpSeen::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

}  // namespace runed::test
