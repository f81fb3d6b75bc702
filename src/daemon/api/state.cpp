#include "daemon/api/state.hpp"

#include <utility>

namespace runed::daemon {

State::State(const Clock& clock, Listener on_change)
    : clock_(clock), on_change_(std::move(on_change)) {
  snapshot_.since = clock_.system_now();
}

void State::change(StateSnapshot next) {
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    if (snapshot_.serving == Serving::shutting_down) return;
    changed = snapshot_.serving != next.serving;
    next.since = changed ? clock_.system_now() : snapshot_.since;
    snapshot_ = next;
  }
  if (changed && on_change_) on_change_(next.serving);
}

void State::loading(Phase phase, std::string message) {
  change({.serving = Serving::loading, .phase = phase, .message = std::move(message)});
}

void State::progress(uint64_t bytes_done, uint64_t bytes_total) {
  const std::lock_guard lock(mutex_);
  if (snapshot_.serving != Serving::loading) return;
  snapshot_.bytes_done = static_cast<int64_t>(bytes_done);
  snapshot_.bytes_total = static_cast<int64_t>(bytes_total);
}

void State::explain(std::string message) {
  const std::lock_guard lock(mutex_);
  if (snapshot_.serving == Serving::loading) snapshot_.message = std::move(message);
}

void State::ok() {
  change({.serving = Serving::ok, .message = notice()});
}

void State::unloaded() {
  change({.serving = Serving::idle, .message = "not loaded yet; the next request loads it"});
}

void State::idle(std::string_view why) {
  change({.serving = Serving::idle,
          .message = fmt::format("embedder suspended {}; the next request resumes it automatically",
                                 why)});
}

void State::degraded(const Error& error) {
  change({.serving = Serving::degraded, .message = error.message, .reason = error.code});
}

void State::shutting_down(const std::optional<Error>& error) {
  StateSnapshot next{.serving = Serving::shutting_down};
  if (error.has_value()) {
    next.message = error->message;
    next.reason = error->code;
  }
  change(std::move(next));
}

StateSnapshot State::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void State::set_model(const embed::ModelInfo& model) {
  auto shared = std::make_shared<const embed::ModelInfo>(model);
  const std::lock_guard lock(mutex_);
  model_ = std::move(shared);
}

void State::set_variant(std::string variant, std::string notice) {
  const std::lock_guard lock(mutex_);
  variant_ = std::move(variant);
  notice_ = std::move(notice);
}

std::string State::variant() const {
  const std::lock_guard lock(mutex_);
  return variant_;
}

void State::set_previous_builtin(std::string name) {
  const std::lock_guard lock(mutex_);
  previous_builtin_ = std::move(name);
}

std::string State::previous_builtin() const {
  const std::lock_guard lock(mutex_);
  return previous_builtin_;
}

void State::set_engine_reason(std::string reason) {
  const std::lock_guard lock(mutex_);
  engine_reason_ = std::move(reason);
}

std::string State::engine_reason() const {
  const std::lock_guard lock(mutex_);
  return engine_reason_;
}

std::string State::notice() const {
  const std::lock_guard lock(mutex_);
  return notice_;
}

std::shared_ptr<const embed::ModelInfo> State::model() const {
  const std::lock_guard lock(mutex_);
  return model_;
}

bool takes_requests(Serving serving) {
  return serving == Serving::ok || serving == Serving::idle || serving == Serving::degraded;
}

}  // namespace runed::daemon
