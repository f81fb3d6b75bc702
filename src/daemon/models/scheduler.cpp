#include "daemon/models/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace runed::daemon {
namespace {

constexpr std::chrono::milliseconds kLeavePoll{50};  // How soon a caller that left is noticed.

}  // namespace

Scheduler::Scheduler(State& state, Shared shared, const Clock& clock, Log& log,
                     const Options& options, const std::function<void()>& wake)
    : state_(state),
      clock_(clock),
      log_(log),
      wake_(wake),
      is_on_demand_(options.is_on_demand),
      inbox_(options.bounds, meter_, wake),
      cache_(options.cache_bytes),
      quarantine_(clock, options.restarts.window),
      engine_life_(state, clock, log,
                   {.idle_timeout = options.idle_timeout,
                    .restarts = options.restarts,
                    .is_on_demand = options.is_on_demand,
                    .name = options.name}),
      memory_(shared.memory, wake),
      shared_turns_(shared.turns),
      intake_({state, clock, engine_life_, inbox_, cache_, meter_}) {}

void Scheduler::take(std::unique_ptr<embed::Engine> engine) {
  is_to_unload_ = false;  // There was nothing to be unloaded.
  engine_life_.take(std::move(engine), wake_);
  place_.emplace(engine_life_.computes_in_process() ? shared_turns_ : own_turns_, wake_);
}

bool Scheduler::is_waited_for() {
  collect_jobs();
  answer_cancelled();
  forget_answered();
  return !active_.empty();
}

void Scheduler::refuse(const Error& reason) {
  state_.degraded(reason);
  give_up(reason);
}

void Scheduler::abandon(const Error& reason) {
  close();
  collect_jobs();
  give_up(reason);
  if (place_.has_value()) place_->end({});
  memory_.release();
}

void Scheduler::unload() {
  is_to_unload_ = true;
  wake_();
}

void Scheduler::set_idle_timeout(std::chrono::nanoseconds timeout) {
  engine_life_.set_idle_timeout(timeout);
  wake_();
}

void Scheduler::set_kept(bool is_kept) {
  engine_life_.set_kept(is_kept);
  memory_.set_kept(is_kept);
  wake_();
}

// Jobs whose callers have left are not to wake the engine. What is kept for an engine is given back
// before it starts, which needs the memory.
Result<std::optional<SteadyTime>> Scheduler::turn() {
  collect_jobs();
  answer_cancelled();
  forget_answered();
  const SteadyTime now = clock_.steady_now();
  const bool is_asked = !active_.empty() || pass_ != nullptr;
  const bool may_rest = engine_life_.was_loaded() || is_on_demand_;
  if (may_rest && !is_asked && !engine_life_.needs_care(now)) return rest(now);
  if (pass_ == nullptr && memory_.is_asked_back(is_asked, now)) {
    give_memory_back("while another model has its turn");
  }
  if (!engine_life_.is_running()) cache_.clear();
  if (!memory_.request(engine_life_.memory_bytes(), now)) {
    return active_.empty() ? std::nullopt : std::optional(now + kLeavePoll);
  }
  const bool was_running = engine_life_.is_running();
  EngineStep step = engine_life_.next(now);
  if (!was_running && engine_life_.is_running()) memory_.begin_shift(clock_.steady_now());
  if (step.kind == EngineStep::Kind::ready) {
    if (is_asked) step = work(now);
  } else if (pass_ == nullptr) {
    place_->end({});  // Others need not wait for this engine.
  }
  return follow(std::move(step), now);
}

// What an engine says that was interrupted is not for callers: `end` answers them.
Result<std::optional<SteadyTime>> Scheduler::follow(EngineStep step, SteadyTime now) {
  switch (step.kind) {
    case EngineStep::Kind::ready:
      return now;
    case EngineStep::Kind::wait:
      return active_.empty() ? step.until : std::min(step.until, now + kLeavePoll);
    case EngineStep::Kind::down:
      if (!engine_life_.was_loaded() && !is_on_demand_) return *std::move(step.reason);
      if (!engine_life_.is_stopping()) give_up(*step.reason);
      return now;
  }
  return now;
}

std::optional<SteadyTime> Scheduler::rest(SteadyTime now) {
  place_->end({});
  if (memory_.is_asked_back(false, now)) give_memory_back("to make room for another model");
  if (is_to_unload_.exchange(false)) engine_life_.suspend("as it was asked for");
  auto due = engine_life_.due();
  if (due.has_value() && now >= *due) {
    cache_.clear();
    engine_life_.rest(now);
    due = engine_life_.due();
  }
  if (!engine_life_.is_running()) {
    cache_.clear();
    memory_.release();
  }
  return due;
}

void Scheduler::give_memory_back(std::string_view why) {
  place_->end({});
  cache_.clear();
  if (engine_life_.is_running()) ++evictions_;
  engine_life_.suspend(why);
  memory_.release();
}

void Scheduler::collect_jobs() {
  for (auto& pending : inbox_.take()) {
    active_.push_back(pending);
    unqueued_.push_back(std::move(pending));
  }
}

void Scheduler::answer_cancelled() {
  for (const auto& pending : active_) {
    if (pending->is_answered() || pending->is_wanted()) continue;
    meter_.call_cancelled();
    pending->answer(make_error(ErrorCode::cancelled, "the caller has gone"));
  }
}

// What nobody wants any more is not to wait for the next job. The pass under way ends by itself.
void Scheduler::forget_answered() {
  std::erase_if(active_, [](const auto& pending) { return pending->is_answered(); });
  if (!active_.empty()) return;
  unqueued_.clear();
  queue_.clear();
}

EngineStep Scheduler::work(SteadyTime now) {
  if (pass_ == nullptr) {
    if (!prepare_jobs()) {
      engine_life_.note_silence(now);
      return {.kind = EngineStep::Kind::wait, .until = now};
    }
    const bool interactive = queue_.is_waiting(Priority::interactive);
    const bool bulk = queue_.is_waiting(Priority::bulk);
    if (!interactive && !bulk) {
      place_->end({});
      return {};
    }
    const auto priority = place_->ask(interactive, bulk);
    if (!priority.has_value()) return {.kind = EngineStep::Kind::wait, .until = now + kLeavePoll};
    begin_pass(*priority);
  }
  return go_on_with_pass(now);
}

// Tokenises the jobs that were not when they came. Returns false if the tokenizer does not answer.
bool Scheduler::prepare_jobs() {
  const auto tokenizer = engine_life_.tokenizer();
  for (const auto& pending : unqueued_) {
    if (pending->is_answered() || pending->model != nullptr) continue;
    Status prepared = prepare(*pending, *tokenizer);
    if (prepared) continue;
    if (prepared.error().code == ErrorCode::engine_restarting) return false;
    pending->answer(std::move(prepared).error());
  }
  enqueue_prepared();
  return true;
}

Status Scheduler::prepare(PendingJob& pending, const embed::Tokenizer& tokenizer) {
  TRY(pending.prepare(tokenizer, state_.model()));
  pending.recount();
  return {};
}

void Scheduler::enqueue_prepared() {
  std::erase_if(unqueued_, [this](const PendingPtr& pending) {
    if (!pending->is_answered() && pending->model == nullptr) return false;
    enqueue(pending);
    return true;
  });
}

// Its vectors may have been computed since it came.
void Scheduler::enqueue(const PendingPtr& pending) {
  if (pending->is_answered()) return;
  if (Status taken = pending->take_known(cache_, meter_); !taken) {
    pending->answer(std::move(taken).error());
  } else if (pending->is_complete()) {
    pending->finish();
  } else {
    for (size_t i = 0; i < pending->embeddings.size(); ++i) {
      if (pending->embeddings[i].vector.empty()) queue_.add(pending, i);
    }
  }
}

void Scheduler::begin_pass(Priority priority) {
  TextQueue::Texts texts = queue_.take(priority, place_->budget(engine_life_.batch_tokens()));
  const SteadyTime begin = clock_.steady_now();
  std::vector<const embed::PreparedText*> prepared;
  prepared.reserve(texts.size());
  for (const auto& text : texts) {
    prepared.push_back(&text->text);
    for (const Recipient& recipient : text->recipients) {
      meter_.text_waited(begin - recipient.job->arrived);
    }
  }
  pass_ = std::make_unique<Pass>(
      Pass{.texts = std::move(texts),
           .search = PassSearch(std::move(prepared), engine_life_, quarantine_, log_),
           .engine_time_before = engine_life_.embed_time()});
  memory_.note_use(begin);
}

EngineStep Scheduler::go_on_with_pass(SteadyTime now) {
  auto outcome = pass_->search.next([this](size_t text) {
    const WaitingText& waiting = *pass_->texts[text];
    if (waiting.is_wanted()) return true;
    queue_.forget(waiting);  // Who comes for it now begins anew.
    return false;
  });
  if (auto* embedded = std::get_if<PassSearch::Embedded>(&outcome)) {
    take_embedded(std::move(*embedded));
  } else if (auto* refused = std::get_if<PassSearch::Refused>(&outcome)) {
    deliver(*pass_->texts[refused->text], std::move(refused->error));
  } else if (auto* failed = std::get_if<PassSearch::EngineFailed>(&outcome)) {
    return engine_life_.fail(std::move(failed->cause), failed->fault, pass_->search.incident(),
                             now);
  } else {
    end_pass();
  }
  return {};
}

void Scheduler::take_embedded(PassSearch::Embedded embedded) {
  for (size_t i = 0; i < embedded.texts.size(); ++i) {
    const WaitingText& text = *pass_->texts[embedded.texts[i]];
    ++pass_->embedded_texts;
    pass_->embedded_tokens += text.text.ids.size();
    deliver(text, std::move(embedded.embeddings[i]));
  }
}

// Those who came for the same text while it was computed are told, too.
void Scheduler::deliver(const WaitingText& text, const Result<Embedding>& result) {
  collect_jobs();
  enqueue_prepared();
  queue_.forget(text);
  const auto model = state_.model();
  const bool is_vector = model != nullptr && model->spec.head == embed::Head::none;
  if (result && is_vector) cache_.put(model, text.text.ids, *result);
  const auto unanswered = std::ranges::count_if(
      text.recipients, [](const Recipient& recipient) { return !recipient.job->is_answered(); });
  if (result && unanswered > 1) meter_.texts_shared(static_cast<size_t>(unanswered - 1));
  for (const auto& [job, index] : text.recipients) {
    if (job->is_answered()) continue;
    if (!result) {
      job->answer(job->at_text(index, result.error()));
    } else if (Status accepted = job->accept(index, *result); !accepted) {
      job->answer(std::move(accepted).error());
    } else if (job->is_complete()) {
      job->finish();
    }
  }
}

void Scheduler::end_pass() {
  const auto duration = engine_life_.embed_time() - pass_->engine_time_before;
  place_->end(duration);
  if (pass_->embedded_texts > 0) {
    meter_.pass_done(pass_->embedded_texts, pass_->embedded_tokens, duration);
  }
  pass_.reset();
}

void Scheduler::give_up(const Error& reason) {
  if (pass_ != nullptr) end_pass();
  for (const auto& pending : active_) {
    if (!pending->is_answered()) pending->answer(reason);
  }
  forget_answered();
}

void Scheduler::drop_jobs() noexcept {
  pass_.reset();
  if (place_.has_value()) place_->end({});
  active_.clear();
  unqueued_.clear();
  queue_.clear();
  inbox_.take();
}

void Scheduler::end() {
  inbox_.abandon();
  for (const auto& pending : active_) {
    if (!pending->is_answered()) pending->answer(shutting_down_error());
  }
  drop_jobs();
  engine_life_.stop();
  memory_.release();
}

}  // namespace runed::daemon
