#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "embed/model/model_identity.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/tokenizer/tokenizer.hpp"

namespace runed::embed {

/// What an engine serves, from the model file and never from constants.
struct ModelInfo {
  std::string engine;         // `native` or `llama-server`.
  std::string version{};      // Of llama-server, as it says it; empty for native.
  std::string model_name;     // GGUF general.name.
  std::string model_sha256;   // Of the whole file, 64 hex digits.
  std::string compute;        // In force, `f32` or another; of llama-server its profile.
  std::string kernel;         // Instruction set in use, as RUNED_CPU spells it; of llama-server its
                              // devices, or `cpu`.
  uint32_t dimension = 0;     // Floats of one vector.
  uint32_t max_tokens = 0;    // Of one text, EOS included.
  std::string
      max_tokens_source{};    // Who says so: context_length, a name of FactSource, or ctx_size,
                              // which is a setting.
  size_t max_text_bytes = 0;  // Longer texts have more tokens than that; 0: any may be.
  ModelSpec spec{};           // What is known of the model, and by whom.
};

/// Returns the most tokens of one text, where the user may want fewer than the model takes: `wanted`, or
/// 0 for as many.
uint32_t limit_tokens(uint32_t of_model, uint32_t wanted);

/// Returns who says that a text has at most so many, as ModelInfo::max_tokens_source.
std::string source_of_limit(const ModelSpec& spec, uint32_t wanted);

/// Texts laid end to end without padding.
/// Shapes: ids [n_tokens]; offsets [n_texts + 1], first 0, last n_tokens, each text >= 1 token.
struct PackedBatch {
  std::span<const TokenId> ids;
  std::span<const uint32_t> offsets;
  /// Asked now and then while the batch is computed, by the thread that called `embed`. Once it is
  /// false the rest is not computed. Null: it is wanted to the end.
  const std::function<bool()>* is_wanted = nullptr;
  /// Of texts that are pairs: how many tokens of each are before its second one. [n_texts]; empty: they
  /// are no pairs.
  std::span<const uint32_t> seconds{};
};

/// Where an engine writes what it computes.
/// Shapes: vectors [n_texts, dimension] f32 row-major; norms [n_texts], or empty: they are not asked
///         for.
struct EmbeddingRows {
  EmbeddingRows() = default;
  /// Borrows all that is given.
  template <typename Floats>
  requires std::is_constructible_v<std::span<float>, Floats&>
  EmbeddingRows(Floats&& of_vectors, std::span<float> of_norms = {})
      : vectors(of_vectors), norms(of_norms) {}

  std::span<float> vectors;
  std::span<float> norms;
};

/// What an engine returns for a batch that is not wanted any more.
Error unwanted_error();

/// Turns a raw score into one from 0 to 1: of a logit its sigmoid, which of log-odds is the probability
/// of the first of two.
float to_unit_interval(float raw);

/// Checks that every text of a batch has at least one token and at most `max_tokens`.
/// Errors: empty_text, text_too_long (details: index).
Status check_lengths(const PackedBatch& batch, uint32_t max_tokens);

/// The engine contract: an embedding model or a reranker that can be started, asked, and told to give its memory
/// back. One thread at a time calls start, stop and embed; the rest may be called by any thread.
///
/// An engine in a process of its own can fail in three more ways, for which whoever supervises it
/// has three answers: engine_died (it ended or hung: start it again, within a budget), engine_killed
/// (somebody else ended it: start it again), engine_fault (it lives, and what it answers cannot be
/// right). After the first two it is stopped.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Loads the model, or takes its memory again after `stop`: the one that it loaded first, or
  /// none. Does nothing when started.
  /// Errors: model_missing, model_corrupt, model_unsupported; engine_died, engine_killed,
  ///         engine_fault; shutting_down after `interrupt`.
  virtual Status start() = 0;

  /// Gives all model memory back. Does nothing when stopped.
  virtual void stop() = 0;

  /// Describes the model. Valid once `start` has succeeded, and from then on.
  virtual const ModelInfo& info() const = 0;

  /// The model's tokenizer, or null while the engine is stopped.
  virtual std::shared_ptr<const Tokenizer> tokenizer() const = 0;

  /// Embeds a packed batch; the same text gives the same vector in any batch (cosine >= 0.9999).
  /// A batch of no texts computes nothing: it fails if the engine has ended, and tells how, or if
  /// the model's file is not what it was.
  /// Writes rows of unit length, and what lengths they had before that; 0 where an engine is not told
  /// by what it asks.
  /// Needs:  a model of Head::none.
  /// Errors: not_finite if a row is not, model_corrupt if an id is outside the vocabulary or the
  ///         model's file is not what it was, before or after the batch was computed; engine_died,
  ///         engine_killed, engine_fault; shutting_down after `interrupt`; cancelled if the batch is
  ///         not wanted any more.
  virtual Status embed(const PackedBatch& batch, EmbeddingRows out) = 0;

  /// Scores a packed batch of pairs, with a model of Head::rank. Writes the raw scores, which are those
  /// that the model's makers have before anything makes them one from 0 to 1 (to_unit_interval).
  /// Shapes: raw [n_texts].
  /// Errors: those of `embed`; model_unsupported from an engine that has no rerankers.
  virtual Status score(const PackedBatch& batch, std::span<float> raw);

  /// Tokens that one call of `embed` should carry at most: past it memory grows, not speed.
  virtual uint32_t batch_tokens() const = 0;

  /// When a batch was last completed; the epoch if never.
  virtual SteadyTime last_useful_work() const = 0;

  /// Makes the start or embed under way, and every later one, return soon with shutting_down; a start
  /// only if it can be left half-way. There is no way back. Any thread.
  virtual void interrupt() = 0;

  /// Returns the bytes of memory that the started engine takes, about; before its first start those of
  /// the model's file, later what it took before.
  virtual uint64_t memory_bytes() const = 0;

  /// Tells whether it computes on threads of this process, which one engine has at a time.
  virtual bool computes_in_process() const { return false; }

  /// Sets what any thread calls when a started engine ends by itself between two calls. Before the
  /// first start. An engine in this process never does.
  virtual void on_death(std::function<void()> /*tell*/) {}
};

}  // namespace runed::embed
