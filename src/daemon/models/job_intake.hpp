#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.hpp"
#include "daemon/api/state.hpp"
#include "daemon/models/engine_life.hpp"
#include "daemon/queue/job_inbox.hpp"
#include "daemon/queue/load_meter.hpp"
#include "daemon/queue/vector_cache.hpp"
#include "daemon/queue/worker.hpp"

namespace runed::daemon {

/// The way of a job from its caller's thread to the inbox: tokenised beside the forward pass, and
/// answered at once where all of its vectors are known or it cannot be taken. A job that is lost on
/// the way, for want of memory, is answered by that. Any thread.
class JobIntake {
 public:
  struct Parts {
    const State& state;
    const Clock& clock;
    EngineLife& engine;
    JobInbox& inbox;
    VectorCache& cache;
    LoadMeter& meter;
  };

  /// Owns: nothing; all parts outlive it.
  explicit JobIntake(const Parts& parts) : parts_(parts) {}

  /// Takes a job, or answers it. What it throws is not to be told to the caller again.
  void submit(Job job);

  /// Returns a number for Job::flow that no other caller has.
  uint64_t new_flow() { return ++last_flow_; }

 private:
  using PendingPtr = JobInbox::PendingPtr;

  void take(const PendingPtr& pending);
  void take_large(const PendingPtr& pending);
  bool prepare_or_answer(PendingJob& pending);
  Status prepare(PendingJob& pending);

  const Parts parts_;
  std::atomic<uint64_t> last_flow_{0};
  // Large jobs, and huge ones apart, for which the others need not wait. Last: they still do what they
  // were given.
  Worker large_jobs_;
  Worker huge_jobs_;
};

}  // namespace runed::daemon
