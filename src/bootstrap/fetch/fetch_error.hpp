#pragma once

#include <fmt/core.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/fetch/retry_policy.hpp"
#include "bootstrap/fetch/url.hpp"

namespace runed::bootstrap {

/// Makes the Error `cannot fetch '<url>': <why>`, without what the URL has of a password.
template <typename... Args>
Error cannot_fetch(ErrorCode code, const std::string& url, fmt::format_string<Args...> format,
                   Args&&... args) {
  return make_error(code, "cannot fetch '{}': {}", display_url(url),
                    fmt::format(format, std::forward<Args>(args)...));
}

/// Returns the gravest of the errors of several URLs, telling all of them.
/// Needs: at least one.
Error combined(const std::vector<Error>& errors);

/// The Failure of a URL that would need the network, which is not to be used.
Failure refused_offline(const std::string& url);

}  // namespace runed::bootstrap
