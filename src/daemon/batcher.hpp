#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/embedding.hpp"
#include "base/log.hpp"
#include "daemon/pass_runner.hpp"
#include "daemon/state.hpp"
#include "daemon/supervisor.hpp"
#include "embed/embedder.hpp"
#include "embed/request.hpp"

namespace runed::daemon {

/// One embedding call: its texts, and whom to tell.
struct Job {
  std::vector<std::string> texts;
  EmbedOptions options;
  std::function<bool()> is_cancelled;  // Asked before each forward pass; any thread.
  /// Called exactly once, from the batcher's thread or from inside submit: one embedding a text in
  /// their order, or the first error (details: index).
  std::function<void(Result<std::vector<Embedding>>)> done;
};

/// Gets the engine ready to be started: finds its model, and fetches it if need be. Called once, on
/// the batcher's thread; gives up soon after `is_stopping` has turned true.
using EngineSource = std::function<Result<std::unique_ptr<embed::Embedder>>(
    const std::function<bool()>& is_stopping)>;

/// Owns the queue and the one thread that uses the engine: loads the model, and packs whatever
/// waits into forward passes across clients. The engine's life is the Supervisor's, on the same
/// thread, so a suspension can never meet a forward pass.
class Batcher {
 public:
  struct Options {
    std::chrono::nanoseconds idle_timeout{};  // 0 or negative: never suspend.
    size_t max_queue_tokens = 1 << 20;        // Past it, jobs are refused: queue_full.
    RestartPolicy restarts{};
  };

  /// `on_load_failed` is called when there is no engine, its first start fails, or the thread has
  /// not even the memory to refuse jobs; it then takes no more of them.
  Batcher(EngineSource source, State& state, const Clock& clock, Log& log, Options options,
          std::function<void(const Error&)> on_load_failed);
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;
  /// Stops, for as long as the pass under way takes.
  ~Batcher();

  /// Takes a job. Bad options and texts that are too long are refused without a forward pass, and
  /// so is any job when the queue is full or after `close`.
  void submit(Job job);

  /// Takes no more jobs.
  void close();

  /// Waits until every job taken has been answered. Returns whether that happened in time.
  bool drain(std::chrono::milliseconds timeout);

  /// Closes, and tells the thread to stop the engine and end after the pass under way; a start
  /// under way and a wait for the next one are given up. What still waits is answered with
  /// shutting_down. Returns whether the thread has ended in time.
  bool stop(std::chrono::milliseconds timeout);

  /// After `stop`: gives up the pass under way too, if the engine can.
  void interrupt() { supervisor_.interrupt(); }

  /// Tokens waiting or being embedded.
  int64_t queue_tokens() const { return static_cast<int64_t>(queue_tokens_.load()); }

  /// Times the engine was started again after a fault.
  int32_t restarts() const { return supervisor_.restarts(); }

 private:
  struct Pending;
  struct Item {
    Pending* job;
    size_t index;  // Of the text in its job.
  };
  using Items = std::vector<Item>;

  void run();
  Status serve();
  void survive(const std::exception& fault);
  bool is_stopping();
  Status load();
  bool take_jobs();
  void collect_jobs();
  void serve_jobs();
  Status embed_next();
  Result<Items> gather();
  Result<bool> make_ready(Pending& pending, const embed::Tokenizer& tokenizer);
  void deliver(const Item& item, Result<Embedding> result);
  static Status prepare(Pending& pending, const embed::Tokenizer& tokenizer,
                        std::shared_ptr<const embed::ModelInfo> model);
  bool pause(std::chrono::nanoseconds duration);
  void count_tokens(Pending& pending);
  void answer(Pending& pending, std::optional<Error> error);
  void forget_one();
  void answer_cancelled();
  void answer_all(const Error& error);

  const EngineSource source_;
  State& state_;
  const Clock& clock_;
  Log& log_;
  const Options options_;
  const std::function<void(const Error&)> on_load_failed_;

  std::atomic<size_t> queue_tokens_{0};

  std::mutex mutex_;  // Guards the members up to the blank line.
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Pending>> queue_;  // Not yet seen by the thread.
  size_t unanswered_ = 0;                       // Jobs taken and not yet answered.
  bool closed_ = false;
  bool stopping_ = false;
  bool ended_ = false;  // The thread has answered its last job.

  // The thread's own, but for what they say any thread may call.
  std::deque<std::unique_ptr<Pending>> active_;
  Supervisor supervisor_;
  PassRunner runner_;

  std::thread thread_;
};

}  // namespace runed::daemon
