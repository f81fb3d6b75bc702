#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "embed/engine.hpp"

namespace runed::test {

/// An engine whose faults and pauses a test decides, which no real one lets it: a text is the
/// number of its bytes, a vector is {1, 0, ...}.
class ScriptedEngine final : public embed::Engine {
 public:
  static constexpr uint32_t kDimension = 64;
  static constexpr uint32_t kMaxTokens = 8;
  static constexpr embed::TokenId kPoison = 'X';  // A text with this byte is never finite.

  /// What outlives the engine, which the scheduler owns.
  struct Script {
    explicit Script(const std::function<void(Script&)>& prepare = {}) {
      if (prepare) prepare(*this);
    }

    std::mutex mutex;
    std::condition_variable changed;
    bool paused = false;             // embed() waits while set, unless interrupted.
    bool start_hangs = false;        // start() waits, unless interrupted.
    bool interrupted = false;        // For good.
    int inside = 0;                  // Calls of embed() that have begun.
    std::vector<size_t> pass_sizes;  // Texts of each pass that was tried.
    Status start_result;
    std::deque<Status> next_starts;  // Results that come before start_result.
    std::string sha256 = std::string(64, 'a');
    uint64_t memory_bytes = 100;
    bool is_reranker = false;  // A score is how many tokens a pair has; the frame is one byte, `|`.
    /// Decides each pass, by its texts, in place of kPoison.
    std::function<Status(const std::vector<std::string>&)> on_pass;
    /// Decides each text to be tokenised; set, the tokenizer is not local.
    std::function<Status()> on_tokenize;
    std::function<void()> on_stop;     // May throw.
    std::optional<Error> death;        // The started engine has ended like this.
    std::function<void()> tell_death;  // What the EngineLife gave to on_death.
    std::atomic<int> starts{0};
    std::atomic<int> stops{0};

    void pause() { set(paused, true); }
    void resume() { set(paused, false); }
    void interrupt() { set(interrupted, true); }
    void wait_inside(int calls) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return inside >= calls; });
    }
    void set_start_result(Status result) {
      const std::lock_guard lock(mutex);
      start_result = std::move(result);
    }
    /// Ends the engine between two passes.
    void die(Error error) {
      {
        const std::lock_guard lock(mutex);
        death = std::move(error);
      }
      tell_death();
    }

   private:
    void set(bool& what, bool value) {
      const std::lock_guard lock(mutex);
      what = value;
      changed.notify_all();
    }
  };

  explicit ScriptedEngine(Script& script) : script_(script) {}

  Status start() override {
    std::unique_lock lock(script_.mutex);
    ++script_.starts;
    script_.changed.notify_all();
    script_.changed.wait(lock, [this] { return !script_.start_hangs || script_.interrupted; });
    TRY(check_interrupted());
    if (!script_.next_starts.empty()) {
      const Status next = std::move(script_.next_starts.front());
      script_.next_starts.pop_front();
      TRY(next);
    } else {
      TRY(script_.start_result);
    }
    script_.death.reset();
    info_.model_sha256 = script_.sha256;
    if (script_.is_reranker) {
      info_.dimension = 1;
      info_.spec.head = embed::Head::rank;
      info_.spec.frame.between = {'|'};
    }
    tokenizer_.store(std::make_shared<Bytes>(script_));
    return {};
  }

  void stop() override {
    if (script_.on_stop) script_.on_stop();
    if (tokenizer_.exchange(nullptr) != nullptr) ++script_.stops;
  }

  const embed::ModelInfo& info() const override { return info_; }
  std::shared_ptr<const embed::Tokenizer> tokenizer() const override { return tokenizer_.load(); }
  uint32_t batch_tokens() const override { return 16; }
  SteadyTime last_useful_work() const override { return {}; }
  uint64_t memory_bytes() const override { return script_.memory_bytes; }
  bool computes_in_process() const override { return true; }
  void interrupt() override { script_.interrupt(); }
  void on_death(std::function<void()> tell) override { script_.tell_death = std::move(tell); }

  Status embed(const embed::PackedBatch& batch, embed::EmbeddingRows out) override {
    TRY(run_pass(batch));
    const std::span<float> vectors = out.vectors;
    for (size_t i = 0; i < vectors.size(); ++i) vectors[i] = i % kDimension == 0 ? 1.0F : 0.0F;
    std::ranges::fill(out.norms, 3.0F);
    return {};
  }

  Status score(const embed::PackedBatch& batch, std::span<float> raw) override {
    TRY(run_pass(batch));
    for (size_t i = 0; i < raw.size(); ++i) {
      raw[i] = static_cast<float>(batch.offsets[i + 1] - batch.offsets[i]);
    }
    return {};
  }

 private:
  Status run_pass(const embed::PackedBatch& batch) {
    std::unique_lock lock(script_.mutex);
    if (script_.death.has_value()) return *script_.death;
    if (batch.offsets.size() == 1) return {};
    ++script_.inside;
    script_.pass_sizes.push_back(batch.offsets.size() - 1);
    script_.changed.notify_all();
    const auto goes_on = [this] { return !script_.paused || script_.interrupted; };
    while (!script_.changed.wait_for(lock, std::chrono::milliseconds(2), goes_on)) {
      if (!(*batch.is_wanted)()) return embed::unwanted_error();
    }
    TRY(check_interrupted());
    return script_.on_pass ? script_.on_pass(texts_of(batch)) : check_poison(batch);
  }

  class Bytes final : public embed::Tokenizer {
   public:
    explicit Bytes(Script& script) : script_(script) {}

    bool is_local() const override { return !script_.on_tokenize; }
    Result<std::vector<embed::TokenId>> tokenize(std::string_view text) const override {
      if (script_.on_tokenize) TRY(script_.on_tokenize());
      return std::vector<embed::TokenId>(text.begin(), text.end());
    }
    Status append(std::string_view text, embed::SpelledTokens /*spelled*/,
                  std::vector<embed::TokenId>& ids) const override {
      ids.insert(ids.end(), text.begin(), text.end());
      return {};
    }

   private:
    Script& script_;
  };

  Status check_interrupted() const {
    if (!script_.interrupted) return {};
    return make_error(ErrorCode::shutting_down, "interrupted");
  }

  static Status check_poison(const embed::PackedBatch& batch) {
    for (const embed::TokenId id : batch.ids) {
      if (id == kPoison) return make_error(ErrorCode::not_finite, "the vector is not finite");
    }
    return {};
  }

  static std::vector<std::string> texts_of(const embed::PackedBatch& batch) {
    std::vector<std::string> texts;
    for (size_t i = 0; i + 1 < batch.offsets.size(); ++i) {
      texts.emplace_back(batch.ids.begin() + batch.offsets[i],
                         batch.ids.begin() + batch.offsets[i + 1]);
    }
    return texts;
  }

  Script& script_;
  embed::ModelInfo info_{.engine = "scripted",
                         .model_name = "bytes",
                         .model_sha256 = {},
                         .compute = "f32",
                         .kernel = "none",
                         .dimension = kDimension,
                         .max_tokens = kMaxTokens,
                         .spec = {.prompts = {{.query = {"?{task}:", "a"}, .document = {"d:", {}}},
                                              embed::FactSource::known_model},
                                  .pooling = {embed::Pooling::last, embed::FactSource::model_file},
                                  .min_dimensions = {32, embed::FactSource::known_model}}};
  std::atomic<std::shared_ptr<const embed::Tokenizer>> tokenizer_;
};

}  // namespace runed::test
