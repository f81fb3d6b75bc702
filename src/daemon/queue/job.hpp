#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/embedding.hpp"
#include "base/result.hpp"
#include "daemon/queue/load_meter.hpp"
#include "daemon/queue/vector_cache.hpp"
#include "daemon/route/centroid_set.hpp"
#include "embed/engine.hpp"
#include "embed/request.hpp"

namespace runed::daemon {

/// Somebody waits for an interactive text; a bulk one is one of many.
enum class Priority { interactive, bulk };

/// Whether a full queue refuses a job. One whose caller bounds what it has under way is taken, so
/// that the caller is held back and not refused.
enum class Room { limited, reserved };

/// One embedding call, or one text of a stream: its texts, and whom to tell.
struct Job {
  std::vector<std::string> texts;
  EmbedOptions options;
  Priority priority = Priority::bulk;
  Room room = Room::limited;
  uint64_t flow =
      0;  // Jobs of one stream have the same: callers take turns, jobs need not. 0: own.
  std::shared_ptr<const CentroidSet> route;  // Whose clusters the vectors are told; null: none's.
  std::function<bool()> is_cancelled;        // Asked before each forward pass; any thread.
  /// Called exactly once, from the scheduler's thread or from inside submit: one embedding a text in
  /// their order, or the first error (details: index).
  std::function<void(Result<std::vector<Embedding>>)> done;
};

/// A job on its way. One thread at a time: the caller's in `submit`, then the scheduler's.
struct PendingJob {
  explicit PendingJob(Job taken) : job(std::move(taken)) {}

  /// Tells whether an answer is still to be given, to somebody who waits for it.
  bool is_wanted() const { return !answered && !job.is_cancelled(); }
  /// One without texts is, too, but only once a model has looked at it: it wakes one that sleeps.
  bool is_complete() const { return model != nullptr && embedded == job.texts.size(); }

  /// Checks that the texts are UTF-8.
  /// Errors: not_utf8 (details: index, byte_offset).
  Status check_texts() const;

  /// Cuts or refuses the texts that are too long by their bytes alone.
  /// Errors: those of check_options; text_too_long (details: index); those of check_texts, if there is
  ///         such a text.
  Status bound_texts(const embed::ModelInfo& for_model);

  /// Turns the texts into token ids, in place of all that was known of them.
  /// Errors: those of check_options and prepare_text (details: index).
  Status prepare(const embed::Tokenizer& tokenizer,
                 std::shared_ptr<const embed::ModelInfo> for_model);

  /// Takes the model's vector of a text, and makes of it what the job asks for.
  /// Errors: those of cut_dimensions; no_centroid_set if the set is of another dimension (details:
  ///         index).
  Status accept(size_t index, std::vector<float> vector);

  /// Accepts the vectors that the cache has.
  /// Errors: those of accept.
  Status take_known(VectorCache& cache, LoadMeter& meter);

  /// Says which of several texts an error is about.
  Error at_text(size_t index, Error error) const;

  Job job;
  SteadyTime arrived;
  std::vector<embed::PreparedText> prepared;      // Empty until tokenised; ids leave with `queued`.
  std::shared_ptr<const embed::ModelInfo> model;  // Whose ids they are.
  std::vector<Embedding> embeddings;  // One a text, without a vector until that is accepted.
  size_t embedded = 0;                // Texts accepted.
  size_t queued_tokens = 0;           // Its share of the queue's tokens, once admitted.
  bool admitted = false;
  bool answered = false;
};

}  // namespace runed::daemon
