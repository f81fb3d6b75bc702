#include "daemon/models/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace runed::daemon {

namespace {

constexpr std::chrono::milliseconds kLeavePoll{50};  // How soon a caller that left is noticed.

// The last catch of the thread: what leaves it ends the daemon.
Status guard(const std::function<Status()>& work) {
  try {
    return work();
  } catch (const std::exception& fault) {
    return make_error(ErrorCode::internal, "the queue cannot be served: {}", fault.what());
  }
}

}  // namespace

Scheduler::Scheduler(EngineSource source, State& state, const Clock& clock, Log& log,
                     Options options, std::function<void(const Error&)> on_load_failed)
    : source_(std::move(source)),
      state_(state),
      clock_(clock),
      log_(log),
      options_(options),
      on_load_failed_(std::move(on_load_failed)),
      inbox_(options.bounds, meter_, [this] { wake(); }),
      cache_(options.cache_bytes),
      engine_life_(state, clock, log,
                   {.idle_timeout = options.idle_timeout, .restarts = options.restarts},
                   {.pause = [this](auto duration) { return pause(duration); },
                    .wake = [this] { wake(); },
                    .give_memory_back = [this] { cache_.clear(); }}),
      pass_search_(engine_life_, clock, log, options.restarts.window),
      intake_({state, clock, engine_life_, inbox_, cache_, meter_}),
      thread_([this] { run(); }) {}

Scheduler::~Scheduler() {
  stop(std::chrono::milliseconds(0));
  thread_.join();
}

bool Scheduler::stop(std::chrono::milliseconds timeout) {
  inbox_.close();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  engine_life_.interrupt_start();
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return ended_; });
}

void Scheduler::run() {
  if (Status served = guard([this] { return serve(); }); !served) {
    on_load_failed_(served.error());
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_; });
  }
  const Status answered = guard([this]() -> Status {
    inbox_.abandon();
    answer_all(shutting_down_error());
    return {};
  });
  const Status stopped = guard([this]() -> Status {
    engine_life_.stop();
    return {};
  });
  static_cast<void>(answered.has_value() && stopped.has_value());  // Nobody is left to tell.
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

Status Scheduler::serve() {
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
void Scheduler::survive(const std::exception& fault) {
  const Error error = make_error(ErrorCode::internal, "cannot embed: {}", fault.what());
  log_.error("the queue was lost", {{"error", error.message}});
  collect_jobs();
  answer_all(error);
}

void Scheduler::wake() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

bool Scheduler::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

Status Scheduler::load() {
  std::unique_ptr<embed::Engine> engine;
  try {
    TRY_ASSIGN(engine, source_([this] { return is_stopping(); }));
  } catch (const std::exception& fault) {
    return make_error(ErrorCode::internal, "cannot make the engine: {}", fault.what());
  }
  state_.loading(Phase::starting_engine, "loading the model");
  return engine_life_.start(std::move(engine));
}

// Moves new jobs to active_, waiting for one if there are none, or until the EngineLife has
// something to do. Returns false when it is time to stop.
bool Scheduler::take_jobs() {
  const auto has_news = [this] {
    return stopping_ || !inbox_.is_empty() || engine_life_.has_died();
  };
  {
    std::unique_lock lock(mutex_);
    while (active_.empty() && !has_news()) {
      const auto due = engine_life_.due();
      if (!due.has_value()) {
        changed_.wait(lock, has_news);
      } else if (!changed_.wait_for(lock, *due - clock_.steady_now(), has_news)) {
        lock.unlock();
        engine_life_.tick();
        lock.lock();
      }
    }
  }
  collect_jobs();
  return !is_stopping();
}

void Scheduler::collect_jobs() {
  const auto jobs = inbox_.take();
  try {
    active_.insert(active_.end(), jobs.begin(), jobs.end());
    unqueued_.insert(unqueued_.end(), jobs.begin(), jobs.end());
  } catch (const std::exception& fault) {  // Out of memory. Nobody else knows them.
    const Error error = make_error(ErrorCode::internal, "cannot embed: {}", fault.what());
    for (const auto& pending : jobs) inbox_.answer(*pending, error);
    throw;
  }
}

// What an engine says that was interrupted is not for callers: `run` answers them.
void Scheduler::serve_jobs() {
  try {
    Status served = active_.empty() ? engine_life_.recover() : embed_next();
    if (!served && !is_stopping()) answer_all(served.error());
  } catch (const std::exception& fault) {  // Out of memory: this thread must live on.
    answer_all(make_error(ErrorCode::internal, "cannot embed: {}", fault.what()));
  }
  std::erase_if(active_, [](const auto& pending) { return pending->answered; });
  if (active_.empty()) forget_texts();
}

// What nobody wants any more is not to wait for the next job.
void Scheduler::forget_texts() {
  unqueued_.clear();
  queue_.clear();
}

Status Scheduler::embed_next() {
  answer_cancelled();  // They are not to wake the engine.
  const auto is_answered = [](const PendingPtr& pending) { return pending->answered; };
  if (std::ranges::all_of(active_, is_answered)) return {};
  TRY(engine_life_.ensure_running());
  if (!prepare_jobs()) return engine_life_.restart_silent();
  const bool interactive = queue_.is_waiting(Priority::interactive);
  const bool bulk = queue_.is_waiting(Priority::bulk);
  if (!interactive && !bulk) return {};
  const Priority priority = share_.choose(interactive, bulk);
  return run_pass(queue_.take(priority, share_.budget(engine_life_.batch_tokens())));
}

Status Scheduler::run_pass(const TextQueue::Texts& texts) {
  const SteadyTime begin = clock_.steady_now();
  size_t done_texts = 0;
  size_t done_tokens = 0;
  Pass pass{.texts = {},
            .is_wanted =
                [&](size_t text) {
                  if (texts[text]->is_wanted()) return true;
                  queue_.forget(*texts[text]);  // Who comes for it now begins anew.
                  return false;
                },
            .deliver =
                [&](size_t text, Result<Embedding> result) {
                  done_texts += result ? 1 : 0;
                  done_tokens += result ? texts[text]->text.ids.size() : 0;
                  deliver(*texts[text], std::move(result));
                }};
  pass.texts.reserve(texts.size());
  for (const auto& text : texts) {
    pass.texts.push_back(&text->text);
    for (const Recipient& recipient : text->recipients)
      meter_.text_waited(begin - recipient.job->arrived);
  }
  const auto before = engine_life_.embed_time();
  const Status served = pass_search_.run(pass);
  const auto duration = engine_life_.embed_time() - before;
  if (duration.count() > 0) share_.spend(duration);
  if (done_texts > 0) meter_.pass_done(done_texts, done_tokens, duration);
  return served;
}

// Waits for the EngineLife, while jobs are taken and callers may leave.
bool Scheduler::pause(std::chrono::nanoseconds duration) {
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

// Fails with engine_restarting if the tokenizer does not answer.
Status Scheduler::prepare_jobs() {
  const auto tokenizer = engine_life_.tokenizer();
  for (const auto& pending : unqueued_) {
    if (!pending->answered && pending->model == nullptr) TRY(make_ready(*pending, *tokenizer));
  }
  enqueue_prepared();
  return {};
}

// Tokenises a job that was not when it came, or answers it.
Status Scheduler::make_ready(PendingJob& pending, const embed::Tokenizer& tokenizer) {
  if (Status prepared = pending.prepare(tokenizer, state_.model()); !prepared) {
    if (prepared.error().code == ErrorCode::engine_restarting) return prepared;
    inbox_.answer(pending, std::move(prepared).error());
    return {};
  }
  inbox_.recount(pending);
  return {};
}

void Scheduler::enqueue_prepared() {
  std::erase_if(unqueued_, [this](const PendingPtr& pending) {
    if (!pending->answered && pending->model == nullptr) return false;
    enqueue(pending);
    return true;
  });
}

// Its vectors may have been computed since it came.
void Scheduler::enqueue(const PendingPtr& pending) {
  if (pending->answered) return;
  if (Status taken = pending->take_known(cache_, meter_); !taken) {
    inbox_.answer(*pending, std::move(taken).error());
  } else if (pending->is_complete()) {
    inbox_.answer(*pending, std::nullopt);
  } else {
    for (size_t i = 0; i < pending->embeddings.size(); ++i) {
      if (pending->embeddings[i].vector.empty()) queue_.add(pending, i);
    }
  }
}

// Those who came for the same text while it was computed are told, too.
void Scheduler::deliver(const WaitingText& text, Result<Embedding> result) {
  collect_jobs();
  enqueue_prepared();
  queue_.forget(text);
  if (result) cache_.put(state_.model(), text.text.ids, result->vector);
  const auto unanswered = std::ranges::count_if(
      text.recipients, [](const Recipient& recipient) { return !recipient.job->answered; });
  if (result && unanswered > 1) meter_.texts_shared(static_cast<size_t>(unanswered - 1));
  for (const auto& [job, index] : text.recipients) {
    if (job->answered) continue;
    if (!result) {
      inbox_.answer(*job, job->at_text(index, result.error()));
    } else if (Status accepted = job->accept(index, result->vector); !accepted) {
      inbox_.answer(*job, std::move(accepted).error());
    } else if (job->is_complete()) {
      inbox_.answer(*job, std::nullopt);
    }
  }
}

void Scheduler::answer_cancelled() {
  for (const auto& pending : active_) {
    if (pending->answered || !pending->job.is_cancelled()) continue;
    meter_.call_cancelled();
    inbox_.answer(*pending, make_error(ErrorCode::cancelled, "the caller has gone"));
  }
}

void Scheduler::answer_all(const Error& error) {
  for (const auto& pending : active_) inbox_.answer(*pending, error);
  active_.clear();
  forget_texts();
}

}  // namespace runed::daemon
