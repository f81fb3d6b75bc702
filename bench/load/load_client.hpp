#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include <grpcpp/channel.h>

#include "base/clock.hpp"
#include "load_options.hpp"
#include "load_tally.hpp"
#include "load_texts.hpp"
#include "load_timer.hpp"
#include "runed/v1/runed.grpc.pb.h"

namespace runed::bench {

/// A run of text indices; none if `count` is 0.
struct Claim {
  uint64_t first = 0;
  uint32_t count = 0;
};

/// What a population still has to send. Any thread.
class Work {
 public:
  /// `texts`: 0 for no limit.
  explicit Work(uint64_t texts) : limit_(texts == 0 ? UINT64_MAX : texts) {}

  void begin(SteadyTime until) { until_ = until; }
  Claim claim(uint32_t most);
  void stop() { stopped_ = true; }
  bool is_over() const { return is_late() || next_ >= limit_; }
  bool is_late() const;  // Even for what was claimed and refused.

 private:
  const uint64_t limit_;
  std::atomic<SteadyTime> until_{SteadyTime{}};
  std::atomic<uint64_t> next_{0};
  std::atomic<bool> stopped_{false};
};

/// What the clients of a population share. Borrows everything.
struct Shared {
  const PopulationOptions& options;
  const std::string& socket;
  const LoadTexts& texts;
  const ExpectedVectors* expected;  // May be null.
  LoadTimer& timer;
  Work& work;
  Pending& pending;  // Clients that work (closed loop, streams), or calls.
  std::atomic<bool>& answered;
};

/// A client with a connection of its own. It holds no thread: its calls go on where gRPC tells of
/// their ends.
class LoadClient {
 public:
  LoadClient(Shared& shared, uint32_t number);
  virtual ~LoadClient() = default;
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  void begin_to_connect() { channel_->GetState(true); }
  bool wait_for_connection(std::chrono::seconds timeout);

  /// Starts the work: in a closed loop all of it.
  virtual void start() = 0;
  /// Open loop: sends these texts, whose time has come at `intended`.
  virtual void send(const Claim& claim, SteadyTime intended) = 0;
  /// Open loop: there is nothing more to send.
  virtual void end_of_sending() {}
  /// Ends what does not end by itself, and waits for that.
  virtual void finish() {}

  LoadTally tally() const;

 protected:
  bool is_open_loop() const { return shared_.options.rate > 0; }

  // All of these under mutex_.
  void count_answer(uint64_t index, const v1::EmbedResponse& response);
  void count_latency(SteadyTime since);
  bool draw_cancel();
  std::chrono::microseconds draw_moment();  // Within twice what a call takes.

  Shared& shared_;
  mutable std::mutex mutex_;  // Guards the members below, and those of the classes derived.
  LoadTally tally_;
  std::minstd_rand random_;
  double usual_ms_ = 10;  // Of the last calls.
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::RunedService::Stub> stub_;
};

/// How long a client waits after a call that failed.
std::chrono::milliseconds pause_after(const Error& error);

/// After so many failed calls without a good one, a client gives up.
inline constexpr uint32_t kMostFailuresInARow = 100;

std::unique_ptr<LoadClient> make_unary_client(Shared& shared, uint32_t number);
std::unique_ptr<LoadClient> make_stream_client(Shared& shared, uint32_t number);
/// Makes a client that writes to a stream, and reads nothing.
std::unique_ptr<LoadClient> make_stalled_client(Shared& shared, uint32_t number);

}  // namespace runed::bench
