#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "embed/engine.hpp"
#include "embed/llama_server/process/model_description.hpp"
#include "embed/llama_server/process/server_features.hpp"
#include "embed/llama_server/process/server_shape.hpp"
#include "embed/llama_server/process/server_start.hpp"
#include "embed/model/model_file.hpp"
#include "embed/model/served_file.hpp"
#include "os/file/files.hpp"

namespace runed::embed::llama_server {

/// The model that a server serves, as another engine is to open it.
struct ReferenceModel {
  ModelSource source;
  std::string sha256;
  os::FileIdentity file;
};

/// Makes an engine, not yet started, that computes a model in another way.
using MakeReference = std::function<Result<std::unique_ptr<Engine>>(ReferenceModel)>;

struct LlamaServerOptions {
  std::string executable;      // Absolute path of llama-server.
  ModelSource source;          // As NativeOptions, as are the next four.
  std::string sha256;
  os::FileIdentity file{};
  std::string promised_sha256;
  std::vector<PublishedFacts> published{};  // As recognise_model takes it.
  std::string model_copy_path;  // Where a model that is in memory is written for the child.
  std::string socket_path;      // Where the child listens; its directory is ours alone.
  std::string log_path;         // What the child prints.
  uint32_t threads = 1;
  uint32_t max_tokens = 0;  // Of a text, if fewer than the model takes; 0: what it takes.
  Profile profile = Profile::speed;
  MakeReference make_reference{};  // Of what the first vector must be near; empty: of nothing.
  Log* log = nullptr;       // Where starts and ends are told; null: nowhere.
  ServerPatience patience{};
};

/// Embeddings computed by llama.cpp's llama-server, a child of ours that nobody else can talk to.
///
/// It gets token ids, not text, where the tokenizer is ours, and many texts in a request. We keep
/// the file that it maps open: what is told is what is served, as NativeEngine has it. Its
/// context, and with it its memory, is as large as the longest text since `stop` needs.
class LlamaServerEngine final : public Engine {
 public:
  /// Makes a stopped engine.
  /// Errors: those of read_features.
  static Result<std::unique_ptr<LlamaServerEngine>> create(LlamaServerOptions options,
                                                           const Clock& clock);
  ~LlamaServerEngine() override;

  Status start() override;
  void stop() override;
  const ModelInfo& info() const override { return info_; }
  std::shared_ptr<const Tokenizer> tokenizer() const override;
  /// Errors: also unavailable if the engine is stopped; empty_text and text_too_long; model_corrupt
  ///         if the file was written to. A batch of no texts only tells whether the engine lives.
  Status embed(const PackedBatch& batch, EmbeddingRows out) override;
  uint32_t batch_tokens() const override { return batch_tokens_; }
  SteadyTime last_useful_work() const override { return last_useful_work_; }
  void interrupt() override { is_interrupted_ = true; }
  uint64_t memory_bytes() const override {
    return model_bytes(options_.source, options_.file) + anonymous_bytes_;
  }
  void on_death(std::function<void()> tell) override { tell_death_ = std::move(tell); }

 private:
  LlamaServerEngine(LlamaServerOptions options, ServerFeatures features, const Clock& clock);

  bool is_in_memory() const { return options_.source.path.empty(); }
  Status load_model();
  Status describe(const std::shared_ptr<const ModelFile>& file);
  Status start_server(Demand demand);
  Status bring_up();
  Status check_opened(const std::string& path) const;
  Status as_told(Status of_file) const;
  Status check_memory(const ServerShape& shape, uint32_t tokens) const;
  Status check_first_embedding(const Tokenizer& tokenizer);
  Result<Demand> demand_for(uint32_t longest) const;
  Status make_room(const PackedBatch& batch);
  Result<std::vector<float>> compute(const PackedBatch& batch);
  Result<std::vector<float>> compute_whole(const PackedBatch& batch);
  Result<std::vector<float>> run_pass(const PackedBatch& batch, uint32_t dimension);
  bool has_grown();
  void end_server(std::chrono::milliseconds grace);

  const LlamaServerOptions options_;
  const ServerFeatures features_;
  const Clock& clock_;
  const uint32_t batch_tokens_;
  std::function<void()> tell_death_ = [] {};
  std::atomic<bool> is_interrupted_{false};
  std::atomic<SteadyTime> last_useful_work_{SteadyTime{}};

  // From the first start on.
  ModelInfo info_;
  ServedFile file_;              // What the child maps: the model's, or the copy of one in memory.
  std::vector<float> expected_;  // Of the first text; empty if nothing is expected.

  // While started.
  ModelDescription model_;
  Demand demand_;
  ServerShape shape_;
  RunningServer server_;
  uint64_t anonymous_bytes_ = 0;       // That the child had when it was looked at last.
  uint64_t most_anonymous_bytes_ = 0;  // Past it the child is started anew.
  SteadyTime memory_checked_;

  mutable std::mutex tokenizer_mutex_;  // Guards tokenizer_, which any thread may ask for.
  std::shared_ptr<const Tokenizer> tokenizer_;
};

}  // namespace runed::embed::llama_server
