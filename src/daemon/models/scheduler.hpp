#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedding.hpp"
#include "base/log.hpp"
#include "daemon/api/state.hpp"
#include "daemon/models/engine_life.hpp"
#include "daemon/models/job_intake.hpp"
#include "daemon/models/memory_budget.hpp"
#include "daemon/models/pass_search.hpp"
#include "daemon/models/quarantine.hpp"
#include "daemon/queue/compute_turns.hpp"
#include "daemon/queue/job.hpp"
#include "daemon/queue/job_inbox.hpp"
#include "daemon/queue/load_meter.hpp"
#include "daemon/queue/text_queue.hpp"
#include "daemon/queue/vector_cache.hpp"
#include "embed/engine.hpp"

namespace runed::daemon {

/// Packs whatever waits into forward passes of one engine, across clients. It waits for no company: an
/// engine that has nothing to do begins with what there is, and what comes meanwhile is the next
/// pass. All of it happens in turns that a loop takes, one after another: a suspension can never meet
/// a forward pass, and nothing here waits but for the engine.
class Scheduler {
 public:
  struct Options {
    std::chrono::nanoseconds idle_timeout{};  // 0 or negative: never suspend.
    size_t cache_bytes = 0;                   // Of recent vectors.
    JobInbox::Bounds bounds{};
    RestartPolicy restarts{};
    bool is_on_demand = false;  // As of EngineLife::Options, as is the next.
    std::string name{};
  };

  /// What the models of a daemon share. All of it outlives the scheduler.
  struct Shared {
    MemoryBudget& memory;
    ComputeTurns& turns;  // Of the engines that compute in this process.
  };

  /// `wake` is called by any thread when there is something to do before the next turn is due.
  Scheduler(State& state, Shared shared, const Clock& clock, Log& log, const Options& options,
            const std::function<void()>& wake);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Takes a job. Bad options and texts that are too long are refused without a forward pass, and
  /// so is any job after `close`, and one too many of its class (queue_full; details:
  /// retry_seconds, by the engine's rate of late). Any thread.
  void submit(Job job) { intake_.submit(std::move(job)); }

  /// Returns a number for Job::flow that no other caller has. Any thread.
  uint64_t new_flow() { return intake_.new_flow(); }

  /// Takes the engine, once, which the first turns start.
  void take(std::unique_ptr<embed::Engine> engine);

  /// Tells whether somebody waits for an answer. For the loop's thread.
  bool is_waited_for();

  /// Answers whoever waits with the reason why there is no engine. For the loop's thread, as the next.
  void refuse(const Error& reason);
  /// The same for good: no more jobs are taken, and nothing is asked for any more.
  void abandon(const Error& reason);

  /// Does what is to be done now: one outcome of a pass at most. Returns when the next turn is due, if
  /// nobody wakes the loop before; none: only then. For the loop's thread.
  /// Needs:  an engine.
  /// Errors: those of the engine's first start, unless it is on demand: it is not tried again.
  Result<std::optional<SteadyTime>> turn();

  /// Drops the jobs that it has: they are answered as lost. For the loop's thread.
  void drop_jobs() noexcept;

  /// Answers whoever waits, and whoever comes, with shutting_down, and stops the engine. The last thing
  /// that the loop's thread does.
  void end();

  /// Gives the engine's memory back once nobody waits for it. Any thread.
  void unload();

  /// As EngineLife has them. Any thread.
  void set_idle_timeout(std::chrono::nanoseconds timeout);
  void set_kept(bool is_kept);
  bool is_kept() const { return engine_life_.is_kept(); }

  /// Takes no more jobs. Any thread.
  void close() { inbox_.close(); }

  /// Waits until every job taken has been answered. Returns whether that happened in time. Not for the
  /// loop's thread.
  bool drain(std::chrono::milliseconds timeout) { return inbox_.drain(timeout); }

  /// Gives up a start under way: the loop is about to end. Any thread.
  void interrupt_start() { engine_life_.interrupt_start(); }

  /// Gives up the pass under way too, if the engine can. Any thread.
  void interrupt() { engine_life_.interrupt(); }

  /// Tokens waiting or being embedded. Any thread.
  int64_t queue_tokens() const { return inbox_.queue_tokens(); }

  LoadStatistics load_statistics() const { return meter_.statistics(); }
  size_t cache_bytes() const { return cache_.bytes(); }

  /// The memory that the model has. Any thread.
  uint64_t memory_bytes() const { return memory_.bytes(); }

  /// Times the memory was given back for another model. Any thread.
  int64_t evictions() const { return evictions_; }

  /// Times the engine was started again after a fault. Any thread.
  int32_t restarts() const { return engine_life_.restarts(); }

 private:
  using PendingPtr = std::shared_ptr<PendingJob>;

  /// The pass under way, over more than one turn if the engine fails.
  struct Pass {
    TextQueue::Texts texts;
    PassSearch search;
    std::chrono::nanoseconds engine_time_before;
    size_t embedded_texts = 0;
    size_t embedded_tokens = 0;
  };

  void collect_jobs();
  void answer_cancelled();
  void forget_answered();
  std::optional<SteadyTime> rest(SteadyTime now);
  void give_memory_back(std::string_view why);
  Result<std::optional<SteadyTime>> follow(EngineStep step, SteadyTime now);
  EngineStep work(SteadyTime now);
  bool prepare_jobs();
  Status prepare(PendingJob& pending, const embed::Tokenizer& tokenizer);
  void enqueue_prepared();
  void enqueue(const PendingPtr& pending);
  void begin_pass(Priority priority);
  EngineStep go_on_with_pass(SteadyTime now);
  void take_embedded(PassSearch::Embedded embedded);
  void deliver(const WaitingText& text, const Result<Embedding>& result);
  void end_pass();
  void give_up(const Error& reason);

  State& state_;
  const Clock& clock_;
  Log& log_;
  const std::function<void()> wake_;
  const bool is_on_demand_;

  LoadMeter meter_;
  JobInbox inbox_;
  VectorCache cache_;

  // The loop's own, but for what they say any thread may call.
  std::vector<PendingPtr> active_;    // Not yet answered.
  std::vector<PendingPtr> unqueued_;  // Of those, the ones whose texts are not in the queue yet.
  TextQueue queue_;
  Quarantine quarantine_;
  EngineLife engine_life_;
  std::unique_ptr<Pass> pass_;
  MemoryBudget::Part memory_;
  ComputeTurns own_turns_;  // Of an engine that computes elsewhere.
  ComputeTurns& shared_turns_;
  std::optional<ComputeTurns::Place> place_;  // Once there is an engine.
  std::atomic<bool> is_to_unload_{false};
  std::atomic<int64_t> evictions_{0};

  JobIntake intake_;  // After all that it hands jobs to.
};

}  // namespace runed::daemon
