#include "daemon/batcher.hpp"

#include <algorithm>
#include <utility>

#include "os/memory.hpp"

namespace runed::daemon {

struct Batcher::Pending {
  explicit Pending(Job taken) : job(std::move(taken)) {}

  Job job;
  std::vector<embed::PreparedText> prepared;  // Empty until tokenised.
  std::vector<Embedding> embeddings;          // One a text; filled as passes complete.
  size_t next = 0;                            // First text not yet in a pass.
  size_t embedded = 0;                        // Texts done.
  size_t queued_tokens = 0;                   // Its share of queue_tokens_.
  bool answered = false;
};

namespace {

// Far enough never to matter, near enough not to overflow a time point.
constexpr std::chrono::nanoseconds kLongestIdle = std::chrono::hours(24 * 365);

Error at_index(Error error, size_t index, size_t count) {
  if (count > 1) error.message = fmt::format("text {}: {}", index, error.message);
  return std::move(error).with_detail("index", std::to_string(index));
}

Error shutting_down_error() {
  return make_error(ErrorCode::shutting_down, "the daemon is shutting down")
      .with_hint("try again: the next call starts another daemon");
}

}  // namespace

Batcher::Batcher(EngineSource source, State& state, Log& log, Options options,
                 std::function<void(const Error&)> on_load_failed)
    : source_(std::move(source)),
      state_(state),
      log_(log),
      options_(options),
      on_load_failed_(std::move(on_load_failed)),
      thread_([this] { run(); }) {}

Batcher::~Batcher() {
  stop(std::chrono::milliseconds(0));
  thread_.join();
}

void Batcher::submit(Job job) {
  auto pending = std::make_unique<Pending>(std::move(job));
  // Awake: tokenise on the caller's thread, beside the forward pass. Suspended: the batcher's
  // thread does it after resuming, and the bytes stand in for the tokens, of which there are fewer.
  const embed::Embedder* const engine = engine_;
  if (const auto tokenizer = engine != nullptr ? engine->tokenizer() : nullptr) {
    if (Status prepared = prepare(*pending, *tokenizer); !prepared) {
      pending->job.done(std::move(prepared).error());
      return;
    }
    for (const auto& text : pending->prepared) pending->queued_tokens += text.ids.size();
  } else {
    for (const auto& text : pending->job.texts) pending->queued_tokens += text.size();
  }
  std::optional<Error> refusal;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      refusal = shutting_down_error();
    } else if (unanswered_ > 0 &&
               queue_tokens_ + pending->queued_tokens > options_.max_queue_tokens) {
      refusal = make_error(ErrorCode::queue_full, "the queue is full: {} tokens wait",
                           queue_tokens_.load())
                    .with_hint("try again in a moment");
    } else {
      queue_tokens_ += pending->queued_tokens;
      ++unanswered_;
      queue_.push_back(std::move(pending));
      changed_.notify_all();
      return;
    }
  }
  pending->job.done(*std::move(refusal));
}

void Batcher::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

bool Batcher::drain(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return unanswered_ == 0; });
}

bool Batcher::stop(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  closed_ = true;
  stopping_ = true;
  changed_.notify_all();
  return changed_.wait_for(lock, timeout, [this] { return ended_; });
}

void Batcher::run() {
  if (load()) {
    while (take_jobs()) serve_jobs();
  } else {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_; });
    active_.swap(queue_);
  }
  answer_all(shutting_down_error());
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool Batcher::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

Status Batcher::make_engine() {
  try {
    TRY_ASSIGN(embedder_, source_([this] { return is_stopping(); }));
  } catch (const std::exception& fault) {
    return make_error(ErrorCode::internal, "cannot make the engine: {}", fault.what());
  }
  engine_ = embedder_.get();
  return {};
}

// The thread's last catch for what an engine that lacks memory throws.
Status Batcher::start_engine() {
  try {
    return embedder_->start();
  } catch (const std::exception& fault) {
    return make_error(ErrorCode::internal, "cannot start the engine: {}", fault.what());
  }
}

bool Batcher::load() {
  if (Status made = make_engine(); !made) {
    on_load_failed_(made.error());
    return false;
  }
  state_.loading(Phase::starting_engine, "loading the model");
  const SteadyTime begin = std::chrono::steady_clock::now();
  if (Status started = start_engine(); !started) {
    on_load_failed_(started.error());
    return false;
  }
  last_activity_ = std::chrono::steady_clock::now();
  const embed::ModelInfo& model = embedder_->info();
  state_.set_model(model);
  log_.info("model ready",
            {{"model", model.model_name},
             {"identity", embed::model_identity(model.model_sha256)},
             {"engine", model.engine},
             {"compute", model.compute},
             {"kernel", model.kernel},
             {"dimension", model.dimension},
             {"max_tokens", model.max_tokens},
             {"milliseconds",
              std::chrono::duration<double, std::milli>(last_activity_ - begin).count()}});
  state_.ok();
  return true;
}

// Moves new jobs to active_, waiting for one if there are none, and suspends the engine when the
// wait grows long. Returns false when it is time to stop.
bool Batcher::take_jobs() {
  std::unique_lock lock(mutex_);
  const auto has_news = [this] { return stopping_ || !queue_.empty(); };
  while (active_.empty() && !has_news()) {
    if (suspended_ || options_.idle_timeout.count() <= 0) {
      changed_.wait(lock, has_news);
      continue;
    }
    const auto until = last_activity_ + std::min(options_.idle_timeout, kLongestIdle);
    if (!changed_.wait_until(lock, until, has_news)) {
      lock.unlock();
      suspend();
      lock.lock();
    }
  }
  std::ranges::move(queue_, std::back_inserter(active_));
  queue_.clear();
  return !stopping_;
}

void Batcher::serve_jobs() {
  try {
    if (suspended_ && !resume()) return;
    embed(gather());
  } catch (const std::exception& fault) {  // Out of memory: this thread must live on.
    log_.error("a pass was given up", {{"error", fault.what()}});
    answer_all(make_error(ErrorCode::internal, "cannot embed: {}", fault.what()));
  }
  std::erase_if(active_, [](const auto& pending) { return pending->answered; });
  last_activity_ = std::chrono::steady_clock::now();
}

void Batcher::suspend() {
  const uint64_t before = os::resident_bytes();
  embedder_->stop();
  suspended_ = true;
  os::trim_heap();
  state_.idle();
  log_.info("engine suspended",
            {{"resident_bytes_before", before}, {"resident_bytes", os::resident_bytes()}});
}

bool Batcher::resume() {
  const SteadyTime begin = std::chrono::steady_clock::now();
  if (Status started = start_engine(); !started) {
    log_.error("engine cannot resume", {{"error", started.error().message}});
    state_.degraded(started.error());
    answer_all(started.error());
    return false;
  }
  suspended_ = false;
  publish_model();
  state_.ok();
  const auto taken = std::chrono::steady_clock::now() - begin;
  log_.info("engine resumed",
            {{"milliseconds", std::chrono::duration<double, std::milli>(taken).count()}});
  return true;
}

// The file may have been overwritten before the engine was started again: what is told must be what
// is served, and no job may keep the ids of the model before.
void Batcher::publish_model() {
  if (state_.model()->model_sha256 == embedder_->info().model_sha256) return;
  state_.set_model(embedder_->info());
  for (const auto& pending : active_) {
    if (pending->embedded > 0) {
      answer(*pending, make_error(ErrorCode::model_corrupt, "the model was replaced meanwhile")
                           .with_hint("embed the texts again"));
    }
    pending->prepared.clear();
    pending->next = 0;
  }
}

// The next pass: texts in the order of arrival, up to the engine's budget.
Batcher::Pass Batcher::gather() {
  Pass pass;
  size_t tokens = 0;
  const auto tokenizer = embedder_->tokenizer();
  for (const auto& pending : active_) {
    if (pending->job.is_cancelled()) {
      answer(*pending, make_error(ErrorCode::cancelled, "the caller has gone"));
    }
  }
  for (const auto& pending : active_) {
    if (pending->answered) continue;
    if (pending->prepared.empty()) {
      if (Status prepared = prepare(*pending, *tokenizer); !prepared) {
        answer(*pending, std::move(prepared).error());
        continue;
      }
      count_tokens(*pending);
    }
    while (pending->next < pending->prepared.size()) {
      const size_t more = pending->prepared[pending->next].ids.size();
      if (!pass.empty() && tokens + more > embedder_->batch_tokens()) return pass;
      pass.push_back({pending.get(), pending->next++});
      tokens += more;
    }
  }
  return pass;
}

void Batcher::embed(const Pass& pass) {
  if (pass.empty() || try_embed(pass)) return;
  // Something in the pass is at fault: only that text may fail.
  for (const Item& item : pass) embed_alone(item);
}

void Batcher::embed_alone(const Item& item) {
  if (item.job->answered) return;
  Status embedded = try_embed({item});
  if (!embedded && embedded.error().code == ErrorCode::not_finite) {
    log_.warn("restarting the engine after a vector that is not finite", {});
    ++restarts_;
    embedded = restart(item);
  }
  if (embedded) return;
  log_.error("a text cannot be embedded", {{"error", embedded.error().message}});
  answer(*item.job, at_index(std::move(embedded).error(), item.index, item.job->job.texts.size()));
}

// Starts the engine afresh and gives the text one more try.
Status Batcher::restart(const Item& item) {
  embedder_->stop();
  if (Status started = start_engine(); !started) {
    suspended_ = true;  // So that the next job tries to resume it.
    state_.degraded(started.error());
    return started;
  }
  publish_model();
  if (item.job->prepared.empty()) return {};  // Another model: the next pass prepares it anew.
  return try_embed({item});
}

Status Batcher::try_embed(const Pass& pass) {
  std::vector<const embed::PreparedText*> texts;
  texts.reserve(pass.size());
  for (const Item& item : pass) texts.push_back(&item.job->prepared[item.index]);
  TRY_ASSIGN(auto embeddings, embed::embed_pass(*embedder_, texts));
  for (size_t i = 0; i < pass.size(); ++i) {
    Pending& pending = *pass[i].job;
    if (pending.answered) continue;
    if (Status cut = embed::cut_dimensions(embeddings[i].vector, pending.job.options.dimensions);
        !cut) {
      answer(pending, at_index(std::move(cut).error(), pass[i].index, pending.job.texts.size()));
      continue;
    }
    pending.embeddings[pass[i].index] = std::move(embeddings[i]);
    if (++pending.embedded == pending.job.texts.size()) answer(pending, std::nullopt);
  }
  return {};
}

Status Batcher::prepare(Pending& pending, const embed::Tokenizer& tokenizer) const {
  const auto model = state_.model();
  TRY(embed::check_options(pending.job.options, *model));
  const auto& texts = pending.job.texts;
  pending.prepared.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    auto prepared =
        embed::prepare_text(texts[i], pending.job.options, tokenizer, model->max_tokens);
    if (!prepared) return at_index(std::move(prepared).error(), i, texts.size());
    pending.prepared.push_back(*std::move(prepared));
  }
  pending.embeddings.resize(texts.size());
  return {};
}

// Replaces the estimate for a job that came while the engine slept.
void Batcher::count_tokens(Pending& pending) {
  size_t tokens = 0;
  for (const auto& text : pending.prepared) tokens += text.ids.size();
  queue_tokens_ += tokens - pending.queued_tokens;
  pending.queued_tokens = tokens;
}

// Tells the caller, once.
void Batcher::answer(Pending& pending, std::optional<Error> error) {
  if (pending.answered) return;
  pending.answered = true;
  queue_tokens_ -= pending.queued_tokens;
  if (error.has_value()) {
    pending.job.done(*std::move(error));
  } else {
    pending.job.done(std::move(pending.embeddings));
  }
  const std::lock_guard lock(mutex_);
  --unanswered_;
  changed_.notify_all();
}

void Batcher::answer_all(const Error& error) {
  for (const auto& pending : active_) answer(*pending, error);
  active_.clear();
}

}  // namespace runed::daemon
