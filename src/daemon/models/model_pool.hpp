#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "daemon/models/memory_budget.hpp"
#include "daemon/models/model_declaration.hpp"
#include "daemon/models/served_model.hpp"
#include "daemon/queue/compute_turns.hpp"

namespace runed::daemon {

using ModelPtr = std::shared_ptr<ServedModel>;

/// The models of a daemon by their names: the one that is served to whoever names none, and those that
/// are declared beside it or were named by their file. Each is loaded on demand, within the memory that
/// they have together. What is declared is looked up anew when a name is not known. Any thread.
class ModelPool {
 public:
  /// Makes what makes the engine of a model.
  using MakeSource = std::function<EngineSource(const ModelDeclaration&, State&)>;
  /// Lists what is declared, but for the default model.
  using Catalogue = std::function<Result<std::vector<ModelDeclaration>>()>;

  struct Options {
    ModelDeclaration default_model{};
    MakeSource make_source;
    Catalogue catalogue{};  // Empty: nothing else is declared.
    std::string centroids_path;
    uint64_t memory_bytes = 0;
    Scheduler::Options scheduler{};
    State::Listener on_change{};  // Of the default model's state.
    ServedModel::OnLoadFailed on_load_failed;
  };

  /// Begins to load the default model, and those that are to be kept.
  ModelPool(Options options, const Clock& clock, Log& log);
  ModelPool(const ModelPool&) = delete;
  ModelPool& operator=(const ModelPool&) = delete;
  ~ModelPool();

  /// Finds a model by its name, in full or by its last part (`q8_0`), or by its identity once it was
  /// loaded. An empty name is the default model's.
  /// Errors: unknown_model, with the names that there are; that of a name which could be any of several.
  Result<ModelPtr> find(std::string_view name);

  ModelPtr default_model() const { return default_; }

  /// All models: the default one, then the others by their names.
  std::vector<ModelPtr> list() const;

  /// Takes a model that was named by its file, or returns the one with this key.
  ModelPtr add(ModelDeclaration declaration);

  /// Reads what is declared, and brings the pool to it: a model that is declared no longer answers the
  /// calls that it has, and goes.
  /// Errors: those of the catalogue; then nothing is changed.
  Status refresh();

  MemoryBudget& memory() { return memory_; }

  /// Changes how long a model keeps its memory of which nothing else is declared; 0: for ever.
  void set_idle_timeout(std::chrono::nanoseconds timeout);

  /// Lets go of the models that are declared no longer, once nobody waits for them. Now and then, by the
  /// thread that owns the pool.
  void tidy();

  /// Takes no more jobs, of any model, and tells why.
  void close(const std::optional<Error>& error);
  /// Waits until every job taken was answered. Returns whether that happened in time.
  bool drain(std::chrono::milliseconds timeout);
  /// As ModelHost and Scheduler have it, of all models.
  bool stop(std::chrono::milliseconds timeout);
  void interrupt();

  int64_t queue_tokens() const;
  /// A number that changes with whatever was done.
  int64_t work_done() const;

 private:
  ModelPtr make(ModelDeclaration declaration, bool is_default);
  Result<ModelPtr> find_by_part(std::string_view name) const;
  void merge(std::vector<ModelDeclaration> declared);
  static void let_go(ServedModel& model);
  void begin_to_load(ServedModel& model);
  std::vector<ModelPtr> with_host() const;

  const Options options_;
  const Clock& clock_;
  Log& log_;
  std::atomic<std::chrono::nanoseconds> idle_timeout_;
  MemoryBudget memory_;
  ComputeTurns turns_;
  ModelPtr default_;

  std::mutex
      refresh_mutex_;  // Held while what is declared is read and taken: the last look counts.
  mutable std::mutex mutex_;  // Guards the members below.
  std::vector<ModelPtr> others_;
  std::vector<ModelPtr> leaving_;  // Declared no longer.
  bool is_closed_ = false;
  std::optional<Error> why_closed_;
};

}  // namespace runed::daemon
