#include "bootstrap/fetch/fetch_error.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace runed::bootstrap {

Error combined(const std::vector<Error>& errors) {
  const auto grave = std::ranges::find(errors, ErrorCode::integrity, &Error::code);
  Error result = grave != errors.end() ? *grave : errors.back();
  std::vector<std::string> messages;
  messages.reserve(errors.size());
  for (const Error& error : errors) messages.push_back(error.message);
  result.message = fmt::format("{}", fmt::join(messages, "; "));
  return result;
}

Failure refused_offline(const std::string& url) {
  return {cannot_fetch(ErrorCode::network, url, "the network is not to be used")
              .with_hint("leave --offline out, or install from a bundle with --from"),
          Failure::Remedy::next_url};
}

}  // namespace runed::bootstrap
