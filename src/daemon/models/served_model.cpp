#include "daemon/models/served_model.hpp"

#include <algorithm>
#include <utility>

#include "embed/model/model_file.hpp"

namespace runed::daemon {

using std::chrono::milliseconds;

ServedModel::ServedModel(ModelDeclaration declaration, const Parts& parts,
                         State::Listener on_change, std::string centroids_path,
                         OnLoadFailed on_load_failed)
    : parts_(parts),
      on_load_failed_(std::move(on_load_failed)),
      state_(parts.clock, std::move(on_change)),
      declaration_(std::move(declaration)),
      centroids_(std::move(centroids_path), parts.log) {
  if (is_on_demand()) state_.unloaded();
}

ModelDeclaration ServedModel::declaration() const {
  const std::lock_guard lock(mutex_);
  return declaration_;
}

bool ServedModel::is_called(std::string_view name) const {
  {
    const std::lock_guard lock(mutex_);
    const auto& names = declaration_.names;
    if (std::ranges::find(names, name) != names.end()) return true;
  }
  const auto loaded = state_.model();
  return loaded != nullptr && embed::model_identity(loaded->model_sha256) == name;
}

void ServedModel::declare(ModelDeclaration declaration) {
  const std::lock_guard lock(mutex_);
  declaration_ = std::move(declaration);
  if (host_ != nullptr) apply_locked(host_->scheduler());
}

std::chrono::nanoseconds ServedModel::idle_timeout() const {
  const std::lock_guard lock(mutex_);
  return idle_timeout_locked();
}

std::chrono::nanoseconds ServedModel::idle_timeout_locked() const {
  return asked_idle_timeout_.value_or(declaration_.idle_timeout.value_or(parts_.idle_timeout));
}

void ServedModel::ask_for_idle_timeout(std::chrono::nanoseconds timeout) {
  const std::lock_guard lock(mutex_);
  asked_idle_timeout_ = timeout;
  if (host_ != nullptr) apply_locked(host_->scheduler());
}

void ServedModel::refresh_idle_timeout() {
  const std::lock_guard lock(mutex_);
  if (host_ != nullptr) apply_locked(host_->scheduler());
}

Centroids& ServedModel::centroids() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(has_centroids_, true)) centroids_.restore();
  return centroids_;
}

Scheduler& ServedModel::scheduler() {
  const std::lock_guard lock(mutex_);
  if (host_ == nullptr) {
    Scheduler::Options options = parts_.scheduler;
    options.is_on_demand = is_on_demand();
    options.name = declaration_.names.front();
    host_ = std::make_unique<ModelHost>(source_, state_, parts_.shared, parts_.clock, parts_.log,
                                        options, on_load_failed_);
    apply_locked(host_->scheduler());
    if (is_closed_) host_->stop(milliseconds(0));
  }
  return host_->scheduler();
}

void ServedModel::close(const std::optional<Error>& error) {
  state_.shutting_down(error);
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  if (host_ != nullptr) host_->scheduler().close();
}

ModelHost* ServedModel::host() const {
  const std::lock_guard lock(mutex_);
  return host_.get();
}

// What is served is told, not what has come in its place.
uint64_t ServedModel::file_bytes() const {
  if (file_bytes_ != 0 && state_.model() != nullptr) return file_bytes_;
  const auto file = embed::identity_at(declaration().choice.path);
  if (file) file_bytes_ = file->size_bytes;
  return file_bytes_;
}

void ServedModel::count_call() {
  ++admitted_calls_;
  const auto now = parts_.clock.system_now().time_since_epoch();
  used_at_ms_ = std::chrono::duration_cast<milliseconds>(now).count();
}

std::optional<SystemTime> ServedModel::used_at() const {
  const int64_t used_at_ms = used_at_ms_;
  if (used_at_ms == 0) return std::nullopt;
  return SystemTime(milliseconds(used_at_ms));
}

void ServedModel::apply_locked(Scheduler& scheduler) const {
  scheduler.set_idle_timeout(idle_timeout_locked());
  scheduler.set_kept(declaration_.is_kept);
}

}  // namespace runed::daemon
