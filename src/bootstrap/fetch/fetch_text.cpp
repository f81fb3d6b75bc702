#include "bootstrap/fetch/fetch_text.hpp"

#include <optional>
#include <span>

#include "bootstrap/fetch/fetch_error.hpp"
#include "bootstrap/fetch/http.hpp"
#include "bootstrap/fetch/retry_policy.hpp"
#include "bootstrap/fetch/url.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

using Remedy = Failure::Remedy;
using MaybeFailure = std::optional<Failure>;
using Bytes = std::span<const std::byte>;

}  // namespace

Result<std::string> fetch_text(const std::string& url, size_t max_bytes,
                               const DownloadPolicy& policy, const Watch& watch) {
  TRY_ASSIGN(const UrlKind kind, kind_of_url(url));
  if (kind == UrlKind::file) return os::read_file(path_of_file_url(url), max_bytes);
  if (policy.offline) return refused_offline(url).error;
  RetryPolicy retries(policy, watch);
  std::string text;
  const auto take_head = [&](const HttpHead& head) -> MaybeFailure {
    if (head.status == 200) return std::nullopt;
    return Failure{cannot_fetch(ErrorCode::network, url, "HTTP {}", head.status), Remedy::next_url};
  };
  const auto take = [&](Bytes bytes) -> MaybeFailure {
    if (bytes.size() > max_bytes - text.size()) {
      return Failure{cannot_fetch(ErrorCode::bad_input, url, "larger than {} bytes", max_bytes),
                     Remedy::next_url};
    }
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return std::nullopt;
  };
  while (true) {
    text.clear();
    MaybeFailure failure = http_get({.url = url, .headers = {}}, {take_head, take}, policy, watch);
    if (!failure.has_value()) return text;
    if (failure->remedy == Remedy::retry) failure = retries.wait(*failure);
    if (failure.has_value()) return failure->error;
  }
}

}  // namespace runed::bootstrap
