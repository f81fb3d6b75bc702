#pragma once

#include <cstddef>
#include <string>

#include "base/result.hpp"
#include "bootstrap/fetch/download_policy.hpp"
#include "bootstrap/fetch/watch.hpp"

namespace runed::bootstrap {

/// Fetches a small text.
/// Errors: bad_input if it is larger than `max_bytes`; otherwise as `download`.
Result<std::string> fetch_text(const std::string& url, size_t max_bytes,
                               const DownloadPolicy& policy, const Watch& watch);

}  // namespace runed::bootstrap
