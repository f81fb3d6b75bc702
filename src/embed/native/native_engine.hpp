#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "embed/engine.hpp"
#include "embed/model/model_file.hpp"
#include "embed/model/model_recognition.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/model/served_file.hpp"
#include "embed/native/gemm/number_format.hpp"
#include "embed/native/isa/kernel.hpp"
#include "embed/native/run/phase_times.hpp"
#include "embed/native/run/thread_pool.hpp"

namespace runed::embed::native {

class PackedPanels;
struct Weights;

struct NativeOptions {
  ModelSource source;
  std::string sha256;       // Of the source, 64 hex digits; computed by the first start if empty.
  os::FileIdentity file{};  // What that digest is of, when the source is a file: it is computed
                            // for any other that is found at the path.
  std::string promised_sha256;  // What any file at the path must hash to; empty: whatever it does.
  std::vector<PublishedFacts> published{};  // As recognise_model takes it.
  uint32_t threads = 1;                     // 1..ThreadPool::kMostThreads.
  std::shared_ptr<ThreadPool>
      pool{};          // Of so many threads, shared with other engines; null: its own.
  std::string kernel;  // The instruction set, as RUNED_CPU spells it; empty for the fastest.
  NumberFormat compute = NumberFormat::automatic;
  uint32_t max_tokens = 0;  // Of a text, if fewer than the model takes; 0: what the model takes.
  PhaseTimes* phase_times = nullptr;  // Where to add the times of passes; borrowed, null: nowhere.
};

inline constexpr uint32_t kFewestBatchTokens = 512;
inline constexpr uint32_t kMostBatchTokens = 2048;

/// Chooses Engine::batch_tokens: from kFewestBatchTokens on, tokens take as long each however
/// many they are (measured, bench/RESULTS.md), and whoever comes meanwhile waits for the whole
/// pass. A small model gets more of them, up to kMostBatchTokens, since what a pass costs besides
/// its tokens weighs there.
uint32_t fit_batch_tokens(const ModelSpec& spec);

/// Embeddings computed in this process, from the mapped file.
///
/// Once mapped, a file stays mapped; `stop` only drops its pages. So an engine that is started
/// again serves the same file under the same identity, even if another one has taken its path. A
/// file that was written to gives no vector any more, from the pass on in which that happened: the
/// engine serves again once it is started and the same bytes are at the path.
class NativeEngine final : public Engine {
 public:
  /// Makes a stopped engine.
  /// Errors: invalid_argument for the number of threads, the kernel or what it is to compute in.
  static Result<std::unique_ptr<NativeEngine>> create(NativeOptions options, const Clock& clock);
  ~NativeEngine() override;

  Status start() override;
  void stop() override;
  const ModelInfo& info() const override { return info_; }
  std::shared_ptr<const Tokenizer> tokenizer() const override;
  /// Errors: also unavailable if the engine is stopped; empty_text and text_too_long; model_corrupt
  ///         if the file was written to.
  Status embed(const PackedBatch& batch, EmbeddingRows out) override;
  Status score(const PackedBatch& batch, std::span<float> raw) override;
  uint32_t batch_tokens() const override { return batch_tokens_; }
  SteadyTime last_useful_work() const override { return last_useful_work_; }
  void interrupt() override { interrupted_ = true; }
  uint64_t memory_bytes() const override;
  bool computes_in_process() const override { return true; }

 private:
  struct Model;

  NativeEngine(NativeOptions options, const Kernel& kernel, const Clock& clock);

  Status load();
  PackedPanels pack(Weights& weights);
  Result<std::unique_ptr<const Tokenizer>> load_tokenizer(const Gguf& gguf, const ModelSpec& spec);
  Status check_interrupted() const;
  Status check_batch(const PackedBatch& batch) const;
  Status run(const PackedBatch& batch, std::span<const float> results,
             const std::function<void()>& pass);
  Status compute(const PackedBatch& batch, const std::function<void()>& pass);

  const NativeOptions options_;
  const Kernel& kernel_;
  const Clock& clock_;
  const std::shared_ptr<ThreadPool> pool_;
  ServedFile file_;
  std::unique_ptr<Model> model_;  // While started.
  size_t own_bytes_ = 0;          // That it took beside the file before the last stop.
  ModelInfo info_;                // Written by the first start.
  uint32_t batch_tokens_ = kFewestBatchTokens;
  mutable std::mutex tokenizer_mutex_;  // Guards tokenizer_, which any thread may ask for.
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::atomic<SteadyTime> last_useful_work_{SteadyTime{}};
  std::atomic<bool> interrupted_ = false;
};

}  // namespace runed::embed::native
