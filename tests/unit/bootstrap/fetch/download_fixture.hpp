#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "bootstrap/fetch/download.hpp"
#include "os/process/signals.hpp"
#include "support/http_server.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace runed::bootstrap {

/// A server, a directory to fetch to, and patience for a test.
struct DownloadFixture {
  using Clock = std::chrono::steady_clock;

  test::HttpServer server;
  test::TempDir dir;
  std::string path = dir / "f";
  test::HttpBody body = test::random_body(3'000'000);
  uint64_t size_bytes = body.size_bytes;  // As the manifest has it; 0: unknown.
  bool is_digest_known = true;
  std::function<Status(const std::string&)> check{};
  DownloadPolicy policy{
      .connect_timeout = std::chrono::seconds(2),
      .first_wait = std::chrono::milliseconds(2),
      .longest_wait = std::chrono::milliseconds(20),
      .reserve_bytes = 0,
  };
  Watch watch;
  std::vector<std::string> events;

  DownloadFixture() {
    os::ignore_sigpipe();
    watch.on_event = [this](const std::string& text) { events.push_back(text); };
  }

  /// Fetches the body from these paths of the server or, with a scheme or a host, URLs.
  Result<DownloadReport> fetch(const std::vector<std::string>& places = {"/f"}) {
    DownloadSource source{
        .sha256 = is_digest_known ? std::optional(test::sha256_of(body)) : std::nullopt,
        .size_bytes = size_bytes,
        .check = check};
    for (const std::string& place : places) {
      const bool is_url = place.find("://") != std::string::npos || place.starts_with(dir.path());
      source.urls.push_back(is_url ? place : server.url(place));
    }
    return download(source, path, policy, watch);
  }

  /// Fetches until so many bytes are there, and is then cancelled.
  void fetch_part(uint64_t bytes, const std::vector<std::string>& places = {"/f"}) {
    bool enough = false;
    watch.on_progress = [&](uint64_t done, uint64_t) { enough = done >= bytes; };
    watch.is_cancelled = [&] { return enough; };
    REQUIRE(test::unwrap_error(fetch(places)).code == ErrorCode::cancelled);
    watch.on_progress = nullptr;
    watch.is_cancelled = nullptr;
    REQUIRE(part_bytes() >= bytes);
    REQUIRE(part_bytes() < body.size_bytes);
  }

  /// Answers slowly enough to be cancelled in the middle.
  test::HttpReply slow(const std::string& etag = {}) const {
    return {.body = body, .etag = etag, .pause = std::chrono::milliseconds(2)};
  }

  uint64_t part_bytes() const { return std::filesystem::file_size(path + ".partial"); }

  bool has_event(const std::string& part) const {
    return std::ranges::any_of(
        events, [&](const std::string& event) { return event.find(part) != std::string::npos; });
  }

  /// Tells whether the file is there and right, with nothing beside it.
  bool has_arrived() const {
    return test::read_text(path) == test::bytes_of(body) && entries() == 1;
  }

  size_t entries() const {
    const std::filesystem::directory_iterator all(dir.path());
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }
};

}  // namespace runed::bootstrap
