#pragma once

#include <map>
#include <string>
#include <string_view>

namespace runed::test {

/// What a client asked.
struct HttpSeen {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers;  // Names in lower case.

  /// Returns a header, or an empty text.
  std::string header(const std::string& name) const;
};

/// Parses a request's first line and headers; without a method if it is no request.
HttpSeen parse_request_head(const std::string& head);

}  // namespace runed::test
