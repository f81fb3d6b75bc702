#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "runed/v1/runed.grpc.pb.h"

namespace runed::bench {

/// What can be seen of the daemon at one moment.
struct DaemonLook {
  v1::HealthResponse health;
  std::chrono::milliseconds cpu{};  // Of it and its children.
  uint64_t resident_bytes = 0;
  uint64_t own_bytes = 0;  // Of these, what no file backs.
};

/// A daemon seen from outside, on a connection of its own.
class ObservedDaemon {
 public:
  /// Connects, and waits until the daemon is ready.
  /// Errors: what the calls give; unavailable if it does not get ready.
  /// Asks for a model by its name from then on; empty: for the default one.
  static Result<std::unique_ptr<ObservedDaemon>> connect(const std::string& socket,
                                                         const std::string& model = {});
  ~ObservedDaemon();
  ObservedDaemon(const ObservedDaemon&) = delete;
  ObservedDaemon& operator=(const ObservedDaemon&) = delete;

  const v1::InfoResponse& info() const { return info_; }

  /// Embeds one text, alone.
  Result<v1::EmbedResponse> embed(const std::string& text);

  Result<DaemonLook> look();

  /// The most memory since the begin, looked at ten times a second.
  uint64_t peak_resident_bytes() const { return peak_resident_; }
  uint64_t peak_own_bytes() const { return peak_own_; }

 private:
  explicit ObservedDaemon(const std::string& socket);
  void watch_memory(const std::stop_token& stop);

  std::unique_ptr<v1::RunedService::Stub> stub_;
  std::string model_;
  v1::InfoResponse info_;
  std::atomic<uint64_t> peak_resident_{0};
  std::atomic<uint64_t> peak_own_{0};
  std::jthread watcher_;
};

/// What happened between two looks; sums of several such times.
struct DaemonWork {
  int64_t passes = 0;
  int64_t texts = 0;
  int64_t tokens = 0;
  int64_t microseconds = 0;
  int64_t cached = 0;
  int64_t shared = 0;
  int64_t refused = 0;
  int64_t cancelled = 0;
  std::chrono::milliseconds cpu{};
  std::vector<int64_t> wait_counts;
  std::vector<int64_t> pass_text_counts;

  void add(const DaemonLook& before, const DaemonLook& after);
};

/// Estimates a percentile of counts whose bucket i has the values below 2^i and not below 2^(i-1).
double bucket_percentile(const std::vector<int64_t>& counts, double share);

}  // namespace runed::bench
