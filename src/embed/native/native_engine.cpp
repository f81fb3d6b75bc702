#include "embed/native/native_engine.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <new>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "embed/native/gemm/gemm_choice.hpp"
#include "embed/native/gemm/packed_panels.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "embed/native/pass/forward_pass.hpp"
#include "embed/native/pass/static_pass.hpp"
#include "embed/native/pass/supported_spec.hpp"
#include "embed/native/pass/weights.hpp"
#include "embed/native/run/page_populator.hpp"
#include "embed/tokenizer/tokenizer_table.hpp"
#include "os/machine/memory.hpp"

namespace runed::embed::native {
namespace {

Status check_finite(std::span<const float> vectors, size_t dimension) {
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (std::isfinite(vectors[i])) continue;
    return make_error(ErrorCode::not_finite, "the result of text {} is not finite", i / dimension)
        .with(fact::kIndex, i / dimension);
  }
  return {};
}

// Smaller models are not worth a thread: their pages take less than a millisecond.
constexpr size_t kLeastPopulatedBytes = size_t{16} << 20;

// The weights that every pass reads in whole, in the order in which it does. Of the embedding it
// reads a row for a token.
std::vector<std::span<const std::byte>> in_order_of_use(const Weights& weights) {
  std::vector<std::span<const std::byte>> parts;
  for (const LayerWeights& layer : weights.layers) {
    for_each_matrix(layer, [&](const Matrix& matrix) {
      parts.emplace_back(matrix.data, matrix.rows * matrix.row_bytes);
    });
  }
  return parts;
}

std::unique_ptr<PagePopulator> populate_weights(const Weights& weights) {
  std::vector<std::span<const std::byte>> parts = in_order_of_use(weights);
  size_t size = 0;
  for (const std::span<const std::byte> part : parts) size += part.size();
  if (size < kLeastPopulatedBytes) return nullptr;
  return std::make_unique<PagePopulator>(std::move(parts));
}

RunUnits on_threads(ThreadPool& pool) {
  return [&pool](size_t units, const std::function<void(size_t)>& work) {
    pool.run(units, [&work](size_t unit, uint32_t /*thread*/) noexcept { work(unit); });
  };
}

// Multiply-adds of a pass that takes a few milliseconds on two cores.
constexpr uint64_t kPassWork = uint64_t{8} << 30;

// Of a model without layers, whose tokens take a row each: a millisecond or two.
constexpr uint32_t kStaticBatchTokens = 32768;

}  // namespace

uint32_t fit_batch_tokens(const ModelSpec& spec) {
  if (spec.layers == 0) return kStaticBatchTokens;
  const uint64_t heads = uint64_t{spec.heads} + spec.kv_heads;  // Twice: Q and O, K and V.
  const uint64_t ff_matrices = is_gated(spec.activation) ? 3 : 2;
  const uint64_t layer_weights =
      spec.width * (2 * heads * spec.head_width + ff_matrices * spec.ff_width);
  const uint64_t work = std::max<uint64_t>(spec.layers * layer_weights, 1);
  return static_cast<uint32_t>(
      std::clamp<uint64_t>(kPassWork / work, kFewestBatchTokens, kMostBatchTokens));
}

// What `stop` frees. The forward pass points into those before it.
struct NativeEngine::Model {
  Model(ModelSpec model_spec, Weights model_weights, PackedPanels packed_panels,
        NumberFormat compute, const Kernel& kernel, ThreadPool& pool)
      : spec(std::move(model_spec)),
        weights(std::move(model_weights)),
        panels(std::move(packed_panels)) {
    if (spec.layers == 0) {
      static_pass.emplace(spec, weights, kernel, pool);
    } else {
      forward_pass.emplace(spec, weights, compute, kernel, pool);
    }
  }

  void run(const PackedBatch& batch, const EmbeddingRows& out) {
    if (static_pass) return static_pass->run(batch, out);
    forward_pass->run(batch, out);
  }

  void measure(PhaseTimes* times) {
    if (forward_pass) forward_pass->measure(times);
  }

  uint64_t own_bytes() const {
    return panels.bytes() +
           (static_pass ? static_pass->scratch_bytes() : forward_pass->scratch_bytes());
  }

  const ModelSpec spec;
  const Weights weights;
  const PackedPanels panels;
  std::optional<ForwardPass> forward_pass;   // Of a model with layers,
  std::optional<StaticPass> static_pass;     // or of one without.
  std::unique_ptr<PagePopulator> populator;  // Null for a small model.
};

Result<std::unique_ptr<NativeEngine>> NativeEngine::create(NativeOptions options,
                                                           const Clock& clock) {
  if (options.threads < 1 || options.threads > ThreadPool::kMostThreads) {
    return make_error(ErrorCode::invalid_argument, "{} threads are not from 1 to {}",
                      options.threads, ThreadPool::kMostThreads);
  }
  TRY_ASSIGN(const Kernel* kernel, choose_kernel(options.kernel));
  TRY(check_compute(options.compute, *kernel));
  return std::unique_ptr<NativeEngine>(new NativeEngine(std::move(options), *kernel, clock));
}

NativeEngine::NativeEngine(NativeOptions options, const Kernel& kernel, const Clock& clock)
    : options_(std::move(options)),
      kernel_(kernel),
      clock_(clock),
      pool_(options_.pool != nullptr ? options_.pool
                                     : std::make_shared<ThreadPool>(options_.threads)),
      file_({.source = options_.source,
             .sha256 = options_.sha256,
             .file = options_.file,
             .promised_sha256 = options_.promised_sha256}) {}

NativeEngine::~NativeEngine() = default;

Status NativeEngine::start() {
  TRY(check_interrupted());
  if (model_ != nullptr) return {};
  Status loaded = load();
  if (loaded) return {};
  // What was found in a file that changed meanwhile is no fault of the file.
  if (Status same = file_.check_unchanged(); !same) loaded = std::move(same);
  if (info_.model_sha256.empty()) file_.forget();  // What takes its place meanwhile may be better.
  return about(options_.source, std::move(loaded).error());
}

Status NativeEngine::load() {
  TRY_ASSIGN(const auto file, file_.open());
  TRY_ASSIGN(const Gguf gguf, file->gguf());
  TRY_ASSIGN(ModelSpec spec, recognise_model(gguf, file_.sha256(), options_.published));
  TRY(check_supported(spec));
  TRY_ASSIGN(Weights weights, find_weights(gguf, spec, kernel_));
  const NumberFormat compute = choose_gemms(weights, spec, options_.compute, kernel_);
  PackedPanels panels = pack(weights);
  // From here on, so that it works while the tokenizer is built.
  std::unique_ptr<PagePopulator> populator =
      panels.bytes() > 0 ? nullptr : populate_weights(weights);
  TRY_ASSIGN(auto tokenizer, load_tokenizer(gguf, spec));
  TRY(file_.check());
  if (info_.model_sha256.empty()) {
    info_ = {.engine = "native",
             .model_name = spec.name,
             .model_sha256 = file_.sha256(),
             .compute = std::string(name_of(compute)),
             .kernel = std::string(kernel_.name),
             .dimension = spec.dimension(),
             .max_tokens = limit_tokens(spec.longest_text(), options_.max_tokens),
             .max_tokens_source = source_of_limit(spec, options_.max_tokens),
             .spec = spec};
    info_.max_text_bytes = max_text_bytes(info_.max_tokens, *tokenizer);
  }
  batch_tokens_ = fit_batch_tokens(spec);
  model_ = std::make_unique<Model>(std::move(spec), std::move(weights), std::move(panels), compute,
                                   kernel_, *pool_);
  model_->populator = std::move(populator);
  model_->measure(options_.phase_times);
  const std::lock_guard lock(tokenizer_mutex_);
  tokenizer_ = std::move(tokenizer);
  return {};
}

PackedPanels NativeEngine::pack(Weights& weights) {
  const auto turn = pool_->wait_for_turn();
  return {weights, *pool_};
}

Result<std::unique_ptr<const Tokenizer>> NativeEngine::load_tokenizer(const Gguf& gguf,
                                                                      const ModelSpec& spec) {
  const auto turn = pool_->wait_for_turn();
  return make_tokenizer(gguf, spec, on_threads(*pool_));
}

void NativeEngine::stop() {
  if (model_ == nullptr) return;
  own_bytes_ = model_->own_bytes();
  model_.reset();
  {
    const std::lock_guard lock(tokenizer_mutex_);
    tokenizer_.reset();
  }
  file_.release_pages();
  os::trim_heap();
}

uint64_t NativeEngine::memory_bytes() const {
  return model_bytes(options_.source, options_.file) +
         (model_ == nullptr ? own_bytes_ : model_->own_bytes());
}

std::shared_ptr<const Tokenizer> NativeEngine::tokenizer() const {
  const std::lock_guard lock(tokenizer_mutex_);
  return tokenizer_;
}

Status NativeEngine::embed(const PackedBatch& batch, EmbeddingRows out) {
  return run(batch, out.vectors, [&] {
    CHECK(info_.spec.head == Head::none);
    CHECK(out.vectors.size() == (batch.offsets.size() - 1) * info_.dimension);
    model_->run(batch, out);
  });
}

Status NativeEngine::score(const PackedBatch& batch, std::span<float> raw) {
  return run(batch, raw, [&] {
    CHECK(info_.spec.head == Head::rank);
    CHECK(raw.size() == batch.offsets.size() - 1);
    CHECK(batch.seconds.empty() || batch.seconds.size() == raw.size());
    model_->forward_pass->score(batch, raw);
  });
}

// A batch of no texts is asked for what the engine has to say of itself.
Status NativeEngine::run(const PackedBatch& batch, std::span<const float> results,
                         const std::function<void()>& pass) {
  if (model_ == nullptr) return make_error(ErrorCode::unavailable, "the engine is not started");
  TRY(file_.check());
  if (batch.offsets.size() <= 1) return {};
  TRY(check_batch(batch));
  TRY(compute(batch, pass));
  TRY(file_.check_unchanged());  // First: of a hole vectors are computed that are not finite.
  TRY(check_finite(results, info_.dimension));
  last_useful_work_ = clock_.steady_now();
  return {};
}

Status NativeEngine::compute(const PackedBatch& batch, const std::function<void()>& pass) {
  const auto turn = pool_->wait_for_turn();
  const ThreadPool::Lookout lookout(*pool_, [&] {
    return !interrupted_ && (batch.is_wanted == nullptr || (*batch.is_wanted)());
  });
  try {
    pass();
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::internal, "out of memory for a pass of {} tokens",
                      batch.ids.size());
  }
  TRY(check_interrupted());
  if (lookout.has_given_up()) return unwanted_error();
  return {};
}

Status NativeEngine::check_interrupted() const {
  if (interrupted_) return make_error(ErrorCode::shutting_down, "the engine is stopped");
  return {};
}

Status NativeEngine::check_batch(const PackedBatch& batch) const {
  TRY(check_lengths(batch, info_.max_tokens));
  for (const TokenId id : batch.ids) {
    if (id < model_->spec.vocabulary) continue;
    return make_error(ErrorCode::model_corrupt, "token {} is outside the vocabulary of {}", id,
                      model_->spec.vocabulary);
  }
  return {};
}

}  // namespace runed::embed::native
