#pragma once

#include <chrono>
#include <optional>
#include <random>
#include <string>

#include "base/result.hpp"
#include "bootstrap/fetch/download_policy.hpp"
#include "bootstrap/fetch/watch.hpp"

namespace runed::bootstrap {

/// Why a try at one URL failed, and what is to be done about it.
struct Failure {
  enum class Remedy {
    retry,     // It can pass: the same again, after a wait.
    restart,   // What is on disk does not fit: from zero, once.
    next_url,  // It stays as it is: this URL is given up.
    give_up,   // No URL can help: a full disk, a cancellation.
  };
  Error error;
  Remedy remedy = Remedy::give_up;
  std::chrono::seconds retry_after{};  // What the server asked for; 0: nothing.
};

/// Counts the tries at one URL and waits between them, longer each time.
class RetryPolicy {
 public:
  RetryPolicy(const DownloadPolicy& policy, const Watch& watch);

  /// Forgets the tries so far: the last one brought something.
  void reset() { failures_ = 0; }

  /// Waits for the time of the next try, having told it; or returns why there is none.
  /// Needs:  failure.remedy is `retry`.
  std::optional<Failure> wait(const Failure& failure);

 private:
  std::chrono::milliseconds next_wait();

  const DownloadPolicy& policy_;
  const Watch& watch_;
  int failures_ = 0;  // In a row.
  std::minstd_rand random_;
};

/// The Failure of work that was cancelled.
Failure cancelled_failure();

}  // namespace runed::bootstrap
