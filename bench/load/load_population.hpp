#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "load_client.hpp"

namespace runed::bench {

/// Clients that do the same, at the same time.
class Population {
 public:
  /// Borrows the texts and what is expected of them, which may be null.
  Population(const PopulationOptions& options, std::string socket, const LoadTexts& texts,
             const ExpectedVectors* expected);
  ~Population();
  Population(const Population&) = delete;
  Population& operator=(const Population&) = delete;

  /// Connects all clients, unless the first calls are to do that.
  /// Errors: unavailable.
  Status connect();

  /// Starts to send, until that time.
  void start(SteadyTime until);

  /// Sends nothing more; what is under way goes on.
  void stop() { work_.stop(); }

  /// Waits until everything was sent and has ended.
  void wait();

  /// Ends the stalled clients, too.
  void finish();

  /// Tells whether any text was answered, or nothing is sent any more.
  bool has_begun() const { return answered_ || work_.is_over(); }

  double seconds() const { return seconds_; }  // From the start to the end of all.
  uint32_t stalled_clients() const { return stalled_; }
  LoadTally tally() const;

 private:
  void arrive(SteadyTime intended);

  const PopulationOptions options_;
  const std::string socket_;
  Work work_;
  Pending pending_;
  std::atomic<bool> answered_{false};
  LoadTimer timer_;
  Shared shared_;
  std::vector<std::unique_ptr<LoadClient>> clients_;
  uint32_t stalled_ = 0;
  size_t next_client_ = 0;
  std::minstd_rand random_;  // Of the arrivals.
  SteadyTime begin_;
  double seconds_ = 0;
};

}  // namespace runed::bench
