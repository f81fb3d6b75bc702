#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/fetch/download_policy.hpp"
#include "bootstrap/fetch/watch.hpp"

namespace runed::bootstrap {

/// The bytes that are wanted and where they are to be had.
struct DownloadSource {
  std::vector<std::string> urls;  // Tried in turn: https://, http://, file:///, or a path.
  std::optional<std::string> sha256;  // 64 hex digits, in any case; none: nobody knows it.
  uint64_t size_bytes = 0;        // 0: unknown.
  std::string_view begin{};       // What it must begin with, of static storage; empty: anything.
  // Looks at the whole file before it gets its name; what it refuses is thrown away. May be empty.
  std::function<Status(const std::string& path)> check{};
};

struct DownloadReport {
  std::string url;              // Which of them served the last byte.
  std::string sha256;           // Of the file, 64 lower-case hex digits.
  uint64_t size_bytes = 0;      // Of the file.
  uint64_t bytes_received = 0;  // In this call; what was there before is not among them.
};

/// Fetches a file by way of `<path>.partial`, resuming what an earlier call left there. The file
/// appears at `path` as a whole, with mode 0600, and only if its size and SHA-256 are right. Without a
/// SHA-256 it is resumed only where the same URL says that it is still the same version.
/// Needs:  install.lock held: one download to a path at a time. SIGPIPE ignored.
/// Errors: integrity with the details url, got and want, if what is served is not what is wanted;
///         network; io, also for a full disk; cancelled; those of `check`. All URLs that failed are
///         told.
Result<DownloadReport> download(const DownloadSource& source, const std::string& path,
                                const DownloadPolicy& policy, const Watch& watch);

}  // namespace runed::bootstrap
