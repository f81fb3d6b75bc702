#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/embedding.hpp"
#include "base/log.hpp"
#include "daemon/api/state.hpp"
#include "daemon/models/engine_life.hpp"
#include "daemon/models/job_intake.hpp"
#include "daemon/models/pass_search.hpp"
#include "daemon/queue/fair_share.hpp"
#include "daemon/queue/job.hpp"
#include "daemon/queue/job_inbox.hpp"
#include "daemon/queue/load_meter.hpp"
#include "daemon/queue/text_queue.hpp"
#include "daemon/queue/vector_cache.hpp"
#include "embed/engine.hpp"

namespace runed::daemon {

/// Gets the engine ready to be started: finds its model, and fetches it if need be. Called once, on
/// the scheduler's thread; gives up soon after `is_stopping` has turned true.
using EngineSource =
    std::function<Result<std::unique_ptr<embed::Engine>>(const std::function<bool()>& is_stopping)>;

/// Owns the queue and the one thread that uses the engine: loads the model, and packs whatever
/// waits into forward passes across clients. It waits for no company: an engine that has nothing to
/// do begins with what there is, and what comes meanwhile is the next pass. The engine's life is the
/// EngineLife's, on the same thread, so a suspension can never meet a forward pass.
class Scheduler {
 public:
  struct Options {
    std::chrono::nanoseconds idle_timeout{};  // 0 or negative: never suspend.
    size_t cache_bytes = 0;                   // Of recent vectors.
    JobInbox::Bounds bounds{};
    RestartPolicy restarts{};
  };

  /// `on_load_failed` is called when there is no engine, its first start fails, or the thread has
  /// not even the memory to refuse jobs; it then takes no more of them.
  Scheduler(EngineSource source, State& state, const Clock& clock, Log& log, Options options,
            std::function<void(const Error&)> on_load_failed);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  /// Stops, for as long as the pass under way takes.
  ~Scheduler();

  /// Takes a job. Bad options and texts that are too long are refused without a forward pass, and
  /// so is any job after `close`, and one too many of its class (queue_full; details:
  /// retry_seconds, by the engine's rate of late).
  void submit(Job job) { intake_.submit(std::move(job)); }

  /// Returns a number for Job::flow that no other caller has.
  uint64_t new_flow() { return intake_.new_flow(); }

  /// Takes no more jobs.
  void close() { inbox_.close(); }

  /// Waits until every job taken has been answered. Returns whether that happened in time.
  bool drain(std::chrono::milliseconds timeout) { return inbox_.drain(timeout); }

  /// Closes, and tells the thread to stop the engine and end after the pass under way; a start
  /// under way and a wait for the next one are given up. What still waits is answered with
  /// shutting_down. Returns whether the thread has ended in time.
  bool stop(std::chrono::milliseconds timeout);

  /// After `stop`: gives up the pass under way too, if the engine can.
  void interrupt() { engine_life_.interrupt(); }

  /// Tokens waiting or being embedded.
  int64_t queue_tokens() const { return inbox_.queue_tokens(); }

  LoadStatistics load_statistics() const { return meter_.statistics(); }
  size_t cache_bytes() const { return cache_.bytes(); }

  /// Times the engine was started again after a fault.
  int32_t restarts() const { return engine_life_.restarts(); }

 private:
  using PendingPtr = std::shared_ptr<PendingJob>;

  void run();
  Status serve();
  void survive(const std::exception& fault);
  void wake();
  bool is_stopping();
  Status load();
  bool take_jobs();
  void collect_jobs();
  void serve_jobs();
  Status embed_next();
  Status run_pass(const TextQueue::Texts& texts);
  Status prepare_jobs();
  Status make_ready(PendingJob& pending, const embed::Tokenizer& tokenizer);
  void enqueue_prepared();
  void enqueue(const PendingPtr& pending);
  void deliver(const WaitingText& text, Result<Embedding> result);
  bool pause(std::chrono::nanoseconds duration);
  void forget_texts();
  void answer_cancelled();
  void answer_all(const Error& error);

  const EngineSource source_;
  State& state_;
  const Clock& clock_;
  Log& log_;
  const Options options_;
  const std::function<void(const Error&)> on_load_failed_;

  LoadMeter meter_;
  JobInbox inbox_;
  VectorCache cache_;

  std::mutex mutex_;  // Guards the members up to the blank line.
  std::condition_variable changed_;
  bool stopping_ = false;
  bool ended_ = false;  // The thread has answered its last job.

  // The thread's own, but for what they say any thread may call.
  std::vector<PendingPtr> active_;    // Not yet answered.
  std::vector<PendingPtr> unqueued_;  // Of those, the ones whose texts are not in the queue yet.
  TextQueue queue_;
  FairShare share_;
  EngineLife engine_life_;
  PassSearch pass_search_;

  JobIntake intake_;  // After all that it hands jobs to.
  std::thread thread_;
};

}  // namespace runed::daemon
