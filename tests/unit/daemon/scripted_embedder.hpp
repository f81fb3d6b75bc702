#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <vector>

#include "embed/embedder.hpp"

namespace runed::test {

/// An engine whose faults and pauses a test decides, which no real one lets it: a text is the
/// number of its bytes, a vector is {1, 0, ...}.
class ScriptedEmbedder final : public embed::Embedder {
 public:
  static constexpr uint32_t kDimension = 64;
  static constexpr uint32_t kMaxTokens = 8;
  static constexpr embed::TokenId kPoison = 'X';  // A text with this byte is never finite.

  /// What outlives the embedder, which the batcher owns.
  struct Script {
    std::mutex mutex;
    std::condition_variable changed;
    bool paused = false;             // embed() waits while set.
    int inside = 0;                  // Calls of embed() that have begun.
    std::vector<size_t> pass_sizes;  // Texts of each pass that was tried.
    Status start_result;
    std::atomic<int> starts{0};
    std::atomic<int> stops{0};

    void pause() { set(true); }
    void resume() { set(false); }
    void wait_inside(int calls) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return inside >= calls; });
    }

   private:
    void set(bool value) {
      const std::lock_guard lock(mutex);
      paused = value;
      changed.notify_all();
    }
  };

  explicit ScriptedEmbedder(Script& script) : script_(script) {}

  Status start() override {
    const std::lock_guard lock(script_.mutex);
    TRY(script_.start_result);
    ++script_.starts;
    tokenizer_.store(std::make_shared<Bytes>());
    return {};
  }

  void stop() override {
    ++script_.stops;
    tokenizer_.store(nullptr);
  }

  const embed::ModelInfo& info() const override { return info_; }
  std::shared_ptr<const embed::Tokenizer> tokenizer() const override { return tokenizer_.load(); }
  uint32_t batch_tokens() const override { return 16; }
  SteadyTime last_useful_work() const override { return {}; }

  Status embed(const embed::PackedBatch& batch, std::span<float> vectors) override {
    std::unique_lock lock(script_.mutex);
    ++script_.inside;
    script_.pass_sizes.push_back(batch.offsets.size() - 1);
    script_.changed.notify_all();
    script_.changed.wait(lock, [this] { return !script_.paused; });
    for (const embed::TokenId id : batch.ids) {
      if (id == kPoison) return make_error(ErrorCode::not_finite, "the vector is not finite");
    }
    for (size_t i = 0; i < vectors.size(); ++i) vectors[i] = i % kDimension == 0 ? 1.0F : 0.0F;
    return {};
  }

 private:
  class Bytes final : public embed::Tokenizer {
   public:
    Result<std::vector<embed::TokenId>> tokenize(std::string_view text) const override {
      return std::vector<embed::TokenId>(text.begin(), text.end());
    }
  };

  Script& script_;
  const embed::ModelInfo info_{.engine = "scripted",
                               .model_name = "bytes",
                               .model_sha256 = std::string(64, 'a'),
                               .compute = "f32",
                               .kernel = "none",
                               .dimension = kDimension,
                               .max_tokens = kMaxTokens};
  std::atomic<std::shared_ptr<const embed::Tokenizer>> tokenizer_;
};

}  // namespace runed::test
