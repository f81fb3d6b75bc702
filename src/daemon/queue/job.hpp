#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/embedding.hpp"
#include "base/result.hpp"
#include "daemon/queue/answer.hpp"
#include "daemon/queue/job_count.hpp"
#include "daemon/queue/load_meter.hpp"
#include "daemon/queue/vector_cache.hpp"
#include "daemon/route/centroid_set.hpp"
#include "embed/engine.hpp"
#include "embed/request.hpp"

namespace runed::daemon {

/// Somebody waits for an interactive text; a bulk one is one of many.
enum class Priority { interactive, bulk };

/// What a call is owed: one embedding a text in their order, or of a pair its score in place of a vector, or the first error (of
/// several texts: whose).
using EmbedAnswer = Answer<std::vector<Embedding>>;
using EmbedReceiver = Receiver<std::vector<Embedding>>;

/// One embedding call, or one text of a stream, or one call for scores: its texts, and whom to tell.
struct Job {
  std::vector<std::string> texts;
  /// With which each text is a pair that is scored: they are documents then. None: texts are embedded.
  std::optional<std::string> query{};
  EmbedOptions options;
  Priority priority = Priority::bulk;
  bool is_bounded_by_caller =
      false;  // It is taken when the queue is full: the caller is held back.
  uint64_t flow =
      0;  // Jobs of one stream have the same: callers take turns, jobs need not. 0: own.
  std::shared_ptr<const CentroidSet> route;  // Whose clusters the vectors are told; null: none's.
  EmbedAnswer answer;
};

/// A job on its way. One thread at a time: the caller's in `submit`, then the scheduler's.
struct PendingJob {
  explicit PendingJob(Job taken) : job(std::move(taken)) {}
  PendingJob(const PendingJob&) = delete;
  PendingJob& operator=(const PendingJob&) = delete;
  /// Answers a job that was lost.
  ~PendingJob() { part.set_tokens(0); }

  bool is_answered() const { return !job.answer.is_open(); }
  /// Tells whether an answer is still to be given, to somebody who waits for it.
  bool is_wanted() const { return job.answer.is_wanted(); }
  /// One without texts is, too, but only once a model has looked at it: it wakes one that sleeps.
  bool is_complete() const { return model != nullptr && embedded == job.texts.size(); }

  /// Answers, and ends the job's part of what is under way.
  void answer(Result<std::vector<Embedding>> result) noexcept;
  /// Answers with the embeddings.
  void finish() noexcept { answer(std::move(embeddings)); }

  /// Checks that the texts are UTF-8.
  /// Errors: not_utf8 (details: index, byte_offset).
  Status check_texts() const;

  /// Cuts or refuses the texts that are too long by their bytes alone.
  /// Errors: those of check_options and check_rerank_options; text_too_long (details: index); those of
  ///         check_texts, if there is such a text.
  Status bound_texts(const embed::ModelInfo& for_model);

  /// Turns the texts into token ids, in place of all that was known of them.
  /// Errors: those of check_options and prepare_text, or of check_rerank_options and PairMaker (details:
  ///         index).
  Status prepare(const embed::Tokenizer& tokenizer,
                 std::shared_ptr<const embed::ModelInfo> for_model);

  /// Takes the model's vector of a text, and makes of it what the job asks for.
  /// Errors: those of cut_dimensions; no_centroid_set if the set is of another dimension (details:
  ///         index).
  Status accept(size_t index, Embedding computed);

  /// Accepts the vectors that the cache has. Of pairs it has none.
  /// Errors: those of accept.
  Status take_known(VectorCache& cache, LoadMeter& meter);

  /// Counts the tokens, once there are any, in place of the estimate.
  void recount();

  Status check_options(const embed::ModelInfo& for_model) const;
  using Prepare = std::function<Result<embed::PreparedText>(const std::string& text)>;
  Result<Prepare> make_prepare(const embed::Tokenizer& tokenizer,
                               const embed::ModelInfo& for_model) const;

  /// Says which of several texts an error is about.
  Error at_text(size_t index, Error error) const;

  JobCount::Part part;  // Of what is under way, once admitted. Ends after the caller was told.
  Job job;
  SteadyTime arrived;
  std::vector<embed::PreparedText> prepared;      // Empty until tokenised; ids leave with `queued`.
  std::shared_ptr<const embed::ModelInfo> model;  // Whose ids they are.
  std::vector<Embedding> embeddings;  // One a text, without a vector until that is accepted.
  size_t embedded = 0;                // Texts accepted.
  size_t queued_tokens = 0;           // As far as they are known.
};

}  // namespace runed::daemon
