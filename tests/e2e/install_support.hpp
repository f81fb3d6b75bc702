#pragma once

#include <string>

#include "base/json.hpp"
#include "runed_process.hpp"
#include "support/http_server.hpp"

namespace runed::test {

/// A server with a manifest of one llama-server, of which `exec` is a shell script, and two models:
/// a small one that can be served, which is the default, and a large one of random bytes.
class Mirror {
 public:
  static constexpr uint64_t kLargeBytes = uint64_t{40} << 20;

  Mirror();

  /// Serves the manifest anew after `document` was changed.
  void publish();
  std::string manifest_url() const { return server.url("/manifest.json"); }
  /// What the small model's bytes hash to.
  const std::string& small_sha256() const { return small_sha256_; }
  std::string small_identity() const { return "sha256:" + small_sha256_.substr(0, 16); }
  size_t requests(const std::string& path) const { return server.seen(path).size(); }

  HttpServer server;
  Json document;
  HttpBody small;
  HttpBody large;
  HttpBody archive;

 private:
  std::string small_sha256_;
};

}  // namespace runed::test
