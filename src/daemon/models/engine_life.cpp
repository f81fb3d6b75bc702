#include "daemon/models/engine_life.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/duration.hpp"
#include "os/machine/memory.hpp"

namespace runed::daemon {
namespace {

using std::chrono::nanoseconds;

// Far enough never to matter, near enough not to overflow a time point.
constexpr nanoseconds kLongestIdle = std::chrono::hours(24 * 365);

// What was told of the model stays true for as long as the daemon lives.
constexpr const char* kPutBack =
    "put the file back, or end the daemon with 'runed shutdown --wait 10': the next one serves "
    "what "
    "is there";

constexpr std::array<uint32_t, 1> kNoTexts{0};  // The offsets of a batch of none.

// A connection may break before the end of the process is seen.
constexpr nanoseconds kEndTime = std::chrono::milliseconds(200);

// In a row, without a pass completed in between: past it, no coincidence, and charged like a death.
constexpr size_t kMostKilledInRow = 100;  // About a minute and a half.
constexpr size_t kMostKilledAtStart = 5;

double milliseconds_since(SteadyTime begin, const Clock& clock) {
  return std::chrono::duration<double, std::milli>(clock.steady_now() - begin).count();
}

// What another start a moment later does not heal. The next request tries all the same.
bool is_lasting(ErrorCode code) {
  return code == ErrorCode::model_missing || code == ErrorCode::model_corrupt ||
         code == ErrorCode::model_unsupported;
}

Error stopping_error() {
  return make_error(ErrorCode::shutting_down, "the daemon is shutting down");
}

// Three codes are between an engine and its EngineLife.
Error as_told(Error error) {
  if (error.code == ErrorCode::engine_died || error.code == ErrorCode::engine_killed ||
      error.code == ErrorCode::engine_fault) {
    error.code = ErrorCode::internal;
  }
  return error;
}

Error restarting_error(const Error& cause, nanoseconds wait) {
  if (wait.count() == 0) {
    return make_error(ErrorCode::engine_restarting, "{}; starting it again", cause.message);
  }
  return make_error(ErrorCode::engine_restarting, "{}; starting it again in {}", cause.message,
                    format_duration(wait));
}

}  // namespace

EngineLife::EngineLife(State& state, const Clock& clock, Log& log, Options options, Hooks hooks)
    : state_(state),
      clock_(clock),
      log_(log),
      options_(options),
      hooks_(std::move(hooks)),
      budget_(options.restarts) {}

Status EngineLife::start(std::unique_ptr<embed::Engine> engine) {
  embedder_ = std::move(engine);
  embedder_->on_death([this] {
    died_ = true;
    hooks_.wake();
  });
  engine_ = embedder_.get();
  const SteadyTime begin = clock_.steady_now();
  Status started = start_engine();
  // Whoever kills the first child of a daemon need not end the daemon with it.
  while (!started && started.error().code == ErrorCode::engine_killed &&
         killed_in_row_ < kMostKilledAtStart) {
    log_.warn("the engine failed", {{"error", started.error().message}});
    if (!hooks_.pause(doubled(options_.restarts.first_pause, killed_in_row_++,
                              options_.restarts.longest_pause))) {
      return stopping_error();
    }
    ++restarts_;
    started = start_engine();
  }
  if (!started) return as_told(std::move(started).error());
  last_activity_ = clock_.steady_now();
  const embed::ModelInfo& model = embedder_->info();
  log_.info("model ready", {{"model", model.model_name},
                            {"identity", embed::model_identity(model.model_sha256)},
                            {"engine", model.engine},
                            {"compute", model.compute},
                            {"kernel", model.kernel},
                            {"dimension", model.dimension},
                            {"max_tokens", model.max_tokens},
                            {"milliseconds", milliseconds_since(begin, clock_)}});
  return {};
}

// `starting_` is set before the question whether to stop, so that whoever stops sees one or the
// other. What was told once is served or nothing is.
Status EngineLife::start_engine() {
  const auto attempt = [this]() -> Status {
    if (!hooks_.pause(nanoseconds(0))) return stopping_error();
    try {
      hooks_.give_memory_back();
      return embedder_->start();
    } catch (const std::exception& fault) {  // The thread's last catch: memory that is lacking.
      return make_error(ErrorCode::internal, "cannot start the engine: {}", fault.what());
    }
  };
  died_ = false;
  starting_ = true;
  Status started = attempt();
  starting_ = false;
  TRY(std::move(started));
  const auto told = state_.model();
  const std::string& sha256 = embedder_->info().model_sha256;
  if (told != nullptr && told->model_sha256 != sha256) {
    embedder_->stop();
    return make_error(ErrorCode::model_corrupt,
                      "the engine came back with another model: its SHA-256 is {}, not {}", sha256,
                      told->model_sha256);
  }
  condition_ = Condition::running;
  if (told == nullptr) state_.set_model(embedder_->info());
  state_.ok();
  return {};
}

Status EngineLife::ensure_running() {
  const SteadyTime begin = clock_.steady_now();
  if (condition_ == Condition::running) {
    TRY(recover());
  } else if (condition_ == Condition::exhausted && budget_.is_spent(begin)) {
    return exhausted_error();
  } else if (Status started = start_engine(); !started) {
    log_.error("engine cannot resume", {{"error", started.error().message}});
    Incident incident;
    TRY(restart(std::move(started).error(), Blame::engine, incident));
  } else {
    log_.info("engine resumed", {{"milliseconds", milliseconds_since(begin, clock_)}});
  }
  last_activity_ = clock_.steady_now();
  return {};
}

// The news may be of the engine before this one.
Status EngineLife::recover() {
  if (!has_died()) return {};
  died_ = false;
  Status alive = check_engine();
  if (alive) return {};
  Incident incident;
  return restart(std::move(alive).error(), Blame::engine, incident);
}

Status EngineLife::restart_silent() {
  Status alive = check_engine();
  if (alive && hooks_.pause(kEndTime)) alive = check_engine();
  if (alive) alive = make_error(ErrorCode::engine_died, "llama-server does not answer");
  Incident incident;
  return restart(std::move(alive).error(), Blame::engine, incident);
}

// A batch of nothing tells how the engine ended, and whether it has.
Status EngineLife::check_engine() {
  return embedder_->embed({.ids = {}, .offsets = kNoTexts}, {});
}

Status EngineLife::restart(Error cause, Blame blame, Incident& incident) {
  Incident of_starts;  // No text was there when one failed, so none can be found guilty of it.
  Incident* account = &incident;
  while (true) {
    condition_ = Condition::stopped;
    embedder_->stop();
    if (cause.code == ErrorCode::shutting_down) return cause;
    if (is_lasting(cause.code)) return stay_down(std::move(cause).with_hint(kPutBack));
    TRY(wait_to_restart(cause, blame, *account));
    ++restarts_;
    const SteadyTime begin = clock_.steady_now();
    Status started = start_engine();
    if (started) {
      log_.info("engine started again", {{"milliseconds", milliseconds_since(begin, clock_)}});
      return {};
    }
    cause = std::move(started).error();
    blame = Blame::engine;
    account = &of_starts;
  }
}

// Restarts on a text's account follow each other at once: a search that halves 64 texts needs more
// of them than the budget has, and each one comes nearer to the text.
Status EngineLife::wait_to_restart(const Error& cause, Blame blame, Incident& incident) {
  nanoseconds wait{};
  if (cause.code == ErrorCode::engine_killed && killed_in_row_ < kMostKilledInRow) {
    wait =
        doubled(options_.restarts.first_pause, killed_in_row_++, options_.restarts.longest_pause);
  } else if (blame == Blame::text) {
    ++incident.uncharged;
  } else {
    const auto charged = budget_.charge(clock_.steady_now());
    if (!charged.has_value()) {
      condition_ = Condition::exhausted;
      last_cause_ = cause.message;
      return stay_down(exhausted_error());
    }
    ++incident.charged;
    wait = *charged;
  }
  log_.warn("the engine failed",
            {{"error", cause.message},
             {"restarts_in_seconds", std::chrono::duration<double>(wait).count()}});
  state_.degraded(restarting_error(cause, wait));
  if (!hooks_.pause(wait)) return stopping_error();
  state_.degraded(restarting_error(cause, nanoseconds(0)));
  return {};
}

Status EngineLife::stay_down(Error error) {
  log_.error("the engine is down", {{"error", error.message}});
  state_.degraded(error);
  return error;
}

Error EngineLife::exhausted_error() const {
  const SteadyTime now = clock_.steady_now();
  const nanoseconds left = budget_.reset_at(now) - now;
  const std::string reset_at =
      format_time(clock_.system_now() + std::chrono::duration_cast<SystemTime::duration>(left));
  return make_error(ErrorCode::engine_restarts_exhausted,
                    "the engine was started again {} times within {} and failed once more: {}",
                    options_.restarts.restarts, format_duration(options_.restarts.window),
                    last_cause_)
      .with_hint(fmt::format(
          "the first request after {} tries again, or the next one after 'runed shutdown'",
          reset_at))
      .with_detail("reset_at", reset_at)
      .with_detail(std::string(kRetryKey),
                   std::to_string(std::chrono::ceil<std::chrono::seconds>(left).count()));
}

void EngineLife::settle(const Incident& incident, Blame blame) {
  if (blame == Blame::text) {
    budget_.refund(incident.charged);
  } else {
    budget_.charge_done(incident.uncharged, clock_.steady_now());
  }
}

Result<std::vector<Embedding>> EngineLife::embed(std::span<const embed::PreparedText* const> texts,
                                                 const std::function<bool()>& is_wanted) {
  try {
    const SteadyTime begin = clock_.steady_now();
    auto embeddings = embed::embed_pass(*embedder_, texts, &is_wanted);
    const SteadyTime end = clock_.steady_now();
    embed_time_ += end - begin;
    if (!embeddings) return embeddings;
    killed_in_row_ = 0;
    last_activity_ = end;
    return embeddings;
  } catch (const std::exception& fault) {
    return make_error(ErrorCode::internal, "cannot embed: {}", fault.what());
  }
}

std::optional<SteadyTime> EngineLife::due() const {
  switch (condition_) {
    case Condition::running:
      if (options_.idle_timeout.count() <= 0) return std::nullopt;
      return std::max(last_activity_, used_at_.load()) +
             std::min(options_.idle_timeout, kLongestIdle);
    case Condition::exhausted:
      return budget_.reset_at(clock_.steady_now());
    case Condition::stopped:
      return std::nullopt;
  }
  return std::nullopt;
}

void EngineLife::tick() {
  const auto when = due();
  if (!when.has_value() || clock_.steady_now() < *when) return;
  if (condition_ == Condition::running) {
    suspend();
  } else {
    condition_ = Condition::stopped;
    state_.idle("after repeated failures");
  }
}

void EngineLife::suspend() {
  const uint64_t before = os::resident_bytes();
  embedder_->stop();
  condition_ = Condition::stopped;
  hooks_.give_memory_back();
  os::trim_heap();
  os::release_code();
  state_.idle("after idle to free memory");
  log_.info("engine suspended",
            {{"resident_bytes_before", before}, {"resident_bytes", os::resident_bytes()}});
}

void EngineLife::stop() {
  condition_ = Condition::stopped;
  if (embedder_ != nullptr) embedder_->stop();
}

void EngineLife::interrupt() {
  if (embed::Engine* const engine = engine_) engine->interrupt();
}

void EngineLife::interrupt_start() {
  if (starting_) interrupt();
}

std::shared_ptr<const embed::Tokenizer> EngineLife::tokenizer() const {
  const embed::Engine* const engine = engine_;
  return engine == nullptr ? nullptr : engine->tokenizer();
}

}  // namespace runed::daemon
