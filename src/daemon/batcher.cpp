#include "daemon/batcher.hpp"

#include <algorithm>
#include <utility>

namespace runed::daemon {

struct Batcher::Pending {
  explicit Pending(Job taken) : job(std::move(taken)) {}

  Job job;
  std::vector<embed::PreparedText> prepared;      // Empty until tokenised.
  std::shared_ptr<const embed::ModelInfo> model;  // Whose ids they are.
  std::vector<Embedding> embeddings;              // One a text; filled as passes complete.
  size_t next = 0;                                // First text not yet in a pass.
  size_t embedded = 0;                            // Texts done.
  size_t queued_tokens = 0;                       // Its share of queue_tokens_.
  bool answered = false;
};

namespace {

constexpr std::chrono::milliseconds kLeavePoll{50};  // How soon a caller that left is noticed.

Error at_index(Error error, size_t index, size_t count) {
  if (count > 1) error.message = fmt::format("text {}: {}", index, error.message);
  return std::move(error).with_detail("index", std::to_string(index));
}

Error shutting_down_error() {
  return make_error(ErrorCode::shutting_down, "the daemon is shutting down")
      .with_hint("try again: the next call starts another daemon");
}

// The last catch of the thread: what leaves it ends the daemon.
Status guard(const std::function<Status()>& work) {
  try {
    return work();
  } catch (const std::exception& fault) {
    return make_error(ErrorCode::internal, "the queue cannot be served: {}", fault.what());
  }
}

}  // namespace

Batcher::Batcher(EngineSource source, State& state, const Clock& clock, Log& log, Options options,
                 std::function<void(const Error&)> on_load_failed)
    : source_(std::move(source)),
      state_(state),
      clock_(clock),
      log_(log),
      options_(options),
      on_load_failed_(std::move(on_load_failed)),
      supervisor_(state, clock, log,
                  {.idle_timeout = options.idle_timeout, .restarts = options.restarts},
                  {.pause = [this](auto duration) { return pause(duration); },
                   .wake =
                       [this] {
                         const std::lock_guard lock(mutex_);
                         changed_.notify_all();
                       }}),
      runner_(supervisor_, state, clock, log, options.restarts.window),
      thread_([this] { run(); }) {}

Batcher::~Batcher() {
  stop(std::chrono::milliseconds(0));
  thread_.join();
}

void Batcher::submit(Job job) {
  auto pending = std::make_unique<Pending>(std::move(job));
  // Awake: tokenise on the caller's thread, beside the forward pass. Suspended, or with a tokenizer
  // that may have to be waited for: the batcher's thread does it, and the bytes stand in for the
  // tokens, of which there are fewer.
  // The model is asked for first: ids of the next one, marked as those of the one before, are only
  // made anew; the other way round they would be taken.
  const auto model = state_.model();
  const auto tokenizer = supervisor_.tokenizer();
  if (model != nullptr && tokenizer != nullptr && tokenizer->is_local()) {
    if (Status prepared = prepare(*pending, *tokenizer, model); !prepared) {
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
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    stopping_ = true;
    changed_.notify_all();
  }
  supervisor_.interrupt_start();
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return ended_; });
}

void Batcher::run() {
  if (Status served = guard([this] { return serve(); }); !served) {
    on_load_failed_(served.error());
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_; });
  }
  const Status answered = guard([this]() -> Status {
    collect_jobs();
    answer_all(shutting_down_error());
    return {};
  });
  const Status stopped = guard([this]() -> Status {
    supervisor_.stop();
    return {};
  });
  static_cast<void>(answered.has_value() && stopped.has_value());  // Nobody is left to tell.
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

Status Batcher::serve() {
  TRY(load());
  while (true) {
    try {
      if (!take_jobs()) return {};
      serve_jobs();
    } catch (const std::exception& fault) {
      survive(fault);
    }
  }
}

// Out of memory, most likely, which those that are answered give back.
void Batcher::survive(const std::exception& fault) {
  const Error error = make_error(ErrorCode::internal, "cannot embed: {}", fault.what());
  log_.error("the queue was lost", {{"error", error.message}});
  collect_jobs();
  answer_all(error);
}

bool Batcher::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

Status Batcher::load() {
  std::unique_ptr<embed::Embedder> embedder;
  try {
    TRY_ASSIGN(embedder, source_([this] { return is_stopping(); }));
  } catch (const std::exception& fault) {
    return make_error(ErrorCode::internal, "cannot make the engine: {}", fault.what());
  }
  state_.loading(Phase::starting_engine, "loading the model");
  return supervisor_.start(std::move(embedder));
}

// Moves new jobs to active_, waiting for one if there are none, or until the supervisor has
// something to do. Returns false when it is time to stop.
bool Batcher::take_jobs() {
  const auto has_news = [this] { return stopping_ || !queue_.empty() || supervisor_.has_died(); };
  {
    std::unique_lock lock(mutex_);
    while (active_.empty() && !has_news()) {
      const auto due = supervisor_.due();
      if (!due.has_value()) {
        changed_.wait(lock, has_news);
      } else if (!changed_.wait_for(lock, *due - clock_.steady_now(), has_news)) {
        lock.unlock();
        supervisor_.tick();
        lock.lock();
      }
    }
  }
  collect_jobs();
  return !is_stopping();
}

void Batcher::collect_jobs() {
  const std::lock_guard lock(mutex_);
  for (; !queue_.empty(); queue_.pop_front()) active_.push_back(std::move(queue_.front()));
}

// What an engine says that was interrupted is not for callers: `run` answers them.
void Batcher::serve_jobs() {
  try {
    Status served = active_.empty() ? supervisor_.recover() : embed_next();
    if (!served && !is_stopping()) answer_all(served.error());
  } catch (const std::exception& fault) {  // Out of memory: this thread must live on.
    answer_all(make_error(ErrorCode::internal, "cannot embed: {}", fault.what()));
  }
  std::erase_if(active_, [](const auto& pending) { return pending->answered; });
}

Status Batcher::embed_next() {
  TRY(supervisor_.ensure_running());
  const Result<Items> gathered = gather();
  if (!gathered) return supervisor_.restart_silent();
  const Items& items = *gathered;
  if (items.empty()) return {};
  Pass pass{.texts = {},
            .is_wanted =
                [&](size_t text) {
                  const Pending& pending = *items[text].job;
                  return !pending.answered && !pending.job.is_cancelled();
                },
            .deliver = [&](size_t text,
                           Result<Embedding> result) { deliver(items[text], std::move(result)); }};
  pass.texts.reserve(items.size());
  for (const Item& item : items) pass.texts.push_back(&item.job->prepared[item.index]);
  return runner_.run(pass);
}

// Waits for the supervisor, while jobs are taken and callers may leave.
bool Batcher::pause(std::chrono::nanoseconds duration) {
  const auto until = std::chrono::steady_clock::now() + duration;
  while (true) {
    collect_jobs();
    answer_cancelled();
    const auto now = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    if (stopping_ || now >= until) return !stopping_;
    changed_.wait_until(lock, std::min<SteadyTime>(until, now + kLeavePoll),
                        [this] { return stopping_; });
  }
}

// The next pass: texts in the order of arrival, up to the engine's budget. Fails with
// engine_restarting if the tokenizer does not answer; nothing is in a pass then.
Result<Batcher::Items> Batcher::gather() {
  answer_cancelled();
  Items items;
  size_t tokens = 0;
  const auto tokenizer = supervisor_.tokenizer();
  for (const auto& pending : active_) {
    if (pending->answered) continue;
    const Result<bool> is_ready = make_ready(*pending, *tokenizer);
    if (!is_ready) {
      for (auto item = items.rbegin(); item != items.rend(); ++item) item->job->next = item->index;
      return is_ready.error();
    }
    if (!*is_ready) continue;
    while (pending->next < pending->prepared.size()) {
      const size_t more = pending->prepared[pending->next].ids.size();
      if (!items.empty() && tokens + more > supervisor_.batch_tokens()) return items;
      items.push_back({pending.get(), pending->next++});
      tokens += more;
    }
  }
  return items;
}

// Tokenises a job that was not when it came, and again one that has ids of a model before: the file
// may have been overwritten before the engine was started again. Returns false if it was answered.
Result<bool> Batcher::make_ready(Pending& pending, const embed::Tokenizer& tokenizer) {
  const auto model = state_.model();
  if (pending.model == model) return true;
  if (pending.embedded > 0) {
    answer(pending, make_error(ErrorCode::model_corrupt, "the model was replaced meanwhile")
                        .with_hint("embed the texts again"));
    return false;
  }
  if (Status prepared = prepare(pending, tokenizer, model); !prepared) {
    if (prepared.error().code == ErrorCode::engine_restarting) return std::move(prepared).error();
    answer(pending, std::move(prepared).error());
    return false;
  }
  count_tokens(pending);
  return true;
}

void Batcher::deliver(const Item& item, Result<Embedding> result) {
  Pending& pending = *item.job;
  if (pending.answered) return;
  if (result) {
    if (Status cut = embed::cut_dimensions(result->vector, pending.job.options.dimensions); !cut) {
      result = std::move(cut).error();
    }
  }
  if (!result) {
    answer(pending, at_index(std::move(result).error(), item.index, pending.job.texts.size()));
    return;
  }
  pending.embeddings[item.index] = *std::move(result);
  if (++pending.embedded == pending.job.texts.size()) answer(pending, std::nullopt);
}

Status Batcher::prepare(Pending& pending, const embed::Tokenizer& tokenizer,
                        std::shared_ptr<const embed::ModelInfo> model) {
  TRY(embed::check_options(pending.job.options, *model));
  const auto& texts = pending.job.texts;
  std::vector<embed::PreparedText> all;
  all.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    auto prepared =
        embed::prepare_text(texts[i], pending.job.options, tokenizer, model->max_tokens);
    if (!prepared) return at_index(std::move(prepared).error(), i, texts.size());
    all.push_back(*std::move(prepared));
  }
  pending.prepared = std::move(all);
  pending.embeddings.resize(texts.size());
  pending.next = 0;
  pending.model = std::move(model);
  return {};
}

// Replaces the estimate for a job that was not tokenised when it came.
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
  try {
    if (error.has_value()) {
      pending.job.done(*std::move(error));
    } else {
      pending.job.done(std::move(pending.embeddings));
    }
  } catch (const std::exception&) {
    forget_one();
    throw;
  }
  forget_one();
}

void Batcher::forget_one() {
  const std::lock_guard lock(mutex_);
  --unanswered_;
  changed_.notify_all();
}

void Batcher::answer_cancelled() {
  for (const auto& pending : active_) {
    if (pending->answered || !pending->job.is_cancelled()) continue;
    answer(*pending, make_error(ErrorCode::cancelled, "the caller has gone"));
  }
}

void Batcher::answer_all(const Error& error) {
  for (const auto& pending : active_) answer(*pending, error);
  active_.clear();
}

}  // namespace runed::daemon
