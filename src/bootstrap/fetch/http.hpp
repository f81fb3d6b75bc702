#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bootstrap/fetch/download_policy.hpp"
#include "bootstrap/fetch/retry_policy.hpp"
#include "bootstrap/fetch/watch.hpp"

namespace runed::bootstrap {

struct HttpRequest {
  std::string url;                   // Of kind http or https.
  std::vector<std::string> headers;  // `Name: value`, beside ours.
};

/// The parts of an answer's head that a download needs. Texts are empty if the header is missing.
struct HttpHead {
  int status = 0;
  std::optional<uint64_t> content_length;
  std::string content_range;
  std::string etag;
  std::string last_modified;
};

/// Takes an answer in; a Failure ends the transfer and is its result.
struct HttpReceiver {
  /// Called once, before the body, and only for the statuses 200, 206 and 416.
  std::function<std::optional<Failure>(const HttpHead&)> on_head;
  std::function<std::optional<Failure>(std::span<const std::byte>)> on_body;
};

/// The hint where a server refuses a URL for good. Whoever knows better where that is from says so.
inline constexpr const char* kWrongUrlHint = "the URL comes from the manifest: check it there";

/// Asks for a URL once, following up to ten redirects, none of them from https to http. The bytes
/// are passed on as they are sent: no content coding is undone. Proxies are those of the usual
/// variables; SSL_CERT_FILE names another bundle of trusted certificates.
/// Needs: SIGPIPE ignored.
/// Returns why it failed, with what is to be done; empty if the whole answer was received.
std::optional<Failure> http_get(const HttpRequest& request, const HttpReceiver& receiver,
                                const DownloadPolicy& policy, const Watch& watch);

}  // namespace runed::bootstrap
