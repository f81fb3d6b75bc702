#include "daemon/models/model_pool.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include "base/sha256.hpp"
#include "base/text.hpp"
#include "bootstrap/manifest/variant.hpp"

namespace runed::daemon {
namespace {

using std::chrono::milliseconds;

// A set of centroids is kept for each model, that of the default one where it always was.
std::string centroids_path_of(const std::string& path, const ModelDeclaration& declaration) {
  constexpr size_t kDigits = 16;
  const size_t dot = path.rfind('.');
  const std::string digits = sha256_hex(declaration.key).substr(0, kDigits);
  return fmt::format("{}-{}{}", path.substr(0, dot), digits, path.substr(dot));
}

std::string first_name(const ServedModel& model) {
  return model.declaration().names.front();
}

}  // namespace

ModelPool::ModelPool(Options options, const Clock& clock, Log& log)
    : options_(std::move(options)),
      clock_(clock),
      log_(log),
      idle_timeout_(options_.scheduler.idle_timeout),
      memory_(options_.memory_bytes),
      default_(make(options_.default_model, true)) {
  if (Status listed = refresh(); !listed) {
    log_.warn("cannot tell which models are declared", {{"error", listed.error().message}});
  }
  default_->centroids();
  default_->scheduler();
}

ModelPool::~ModelPool() = default;

ModelPtr ModelPool::make(ModelDeclaration declaration, bool is_default) {
  const std::string centroids = is_default
                                    ? options_.centroids_path
                                    : centroids_path_of(options_.centroids_path, declaration);
  auto model = std::make_shared<ServedModel>(
      declaration,
      ServedModel::Parts{.shared = {.memory = memory_, .turns = turns_},
                         .clock = clock_,
                         .log = log_,
                         .idle_timeout = idle_timeout_,
                         .scheduler = options_.scheduler},
      is_default ? options_.on_change : State::Listener(), centroids,
      is_default ? options_.on_load_failed : ServedModel::OnLoadFailed());
  model->set_source(options_.make_source(declaration, model->state()));
  return model;
}

Result<ModelPtr> ModelPool::find(std::string_view name) {
  if (name.empty() || default_->is_called(name)) return default_;
  {
    const std::lock_guard lock(mutex_);
    const auto exact = std::ranges::find_if(
        others_, [name](const ModelPtr& model) { return model->is_called(name); });
    if (exact != others_.end()) return *exact;
  }
  auto found = find_by_part(name);
  if (found || found.error().code != ErrorCode::unknown_model) return found;
  TRY(refresh());  // It may have been installed since.
  return find_by_part(name);
}

Result<ModelPtr> ModelPool::find_by_part(std::string_view name) const {
  std::map<std::string, ModelPtr> by_name;  // As they are now: a reload may change them meanwhile.
  std::vector<std::string> shown;
  for (const ModelPtr& model : list()) {
    const auto names = model->declaration().names;
    shown.push_back(names.front());
    for (const std::string& each : names) by_name.emplace(each, model);
  }
  std::vector<std::string> names;
  for (const auto& [each, model] : by_name) names.push_back(each);
  const auto meant = bootstrap::find_variant(names, name);
  if (meant) return by_name.at(*meant);
  if (meant.error().code != ErrorCode::not_found) {
    return make_error(ErrorCode::invalid_argument, "model '{}' could be several", printable(name))
        .with_hint(meant.error().message);
  }
  return make_error(ErrorCode::unknown_model, "there is no model '{}'", printable(name))
      .with_hint(bootstrap::is_model_path(name)
                     ? "a file is loaded with LoadModel first, which gives it a name"
                     : bootstrap::advise_variant(shown, name));
}

std::vector<ModelPtr> ModelPool::list() const {
  std::vector<ModelPtr> models;
  {
    const std::lock_guard lock(mutex_);
    models = others_;
  }
  std::ranges::sort(models, {}, [](const ModelPtr& model) { return first_name(*model); });
  models.insert(models.begin(), default_);
  return models;
}

ModelPtr ModelPool::add(ModelDeclaration declaration) {
  for (const ModelPtr& model : list()) {
    const auto loaded = model->state().model();
    if (loaded != nullptr && loaded->model_sha256 == declaration.sha256) return model;
  }
  if (default_->declaration().key == declaration.key) return default_;
  const std::lock_guard lock(mutex_);
  const auto same = std::ranges::find_if(
      others_, [&](const ModelPtr& model) { return model->declaration().key == declaration.key; });
  if (same != others_.end()) {
    const bool is_elsewhere = (*same)->declaration().choice.path != declaration.choice.path;
    if (!is_elsewhere || (*same)->state().model() != nullptr) return *same;
    leaving_.push_back(*same);  // It never found its file.
    others_.erase(same);
  }
  ModelPtr model = make(std::move(declaration), false);
  if (is_closed_) model->close(why_closed_);
  others_.push_back(model);
  return model;
}

Status ModelPool::refresh() {
  if (!options_.catalogue) return {};
  const std::lock_guard refreshing(refresh_mutex_);
  TRY_ASSIGN(auto declared, options_.catalogue());
  merge(std::move(declared));
  return {};
}

// What is declared of the default model is its names and how long it stays: it was told which it is.
void ModelPool::merge(std::vector<ModelDeclaration> declared) {
  add_default(declared, options_.default_model);
  std::vector<ModelPtr> kept;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return;
    std::vector<ModelPtr> others;
    for (ModelDeclaration& declaration : declared) {
      const auto is_same = [key = declaration.key](const ModelPtr& model) {
        return model->declaration().key == key;
      };
      const bool is_kept = declaration.is_kept;
      if (is_same(default_)) {
        default_->declare(std::move(declaration));
        continue;
      }
      const auto known = std::ranges::find_if(others_, is_same);
      if (known != others_.end()) {
        (*known)->declare(std::move(declaration));
        others.push_back(*known);
      } else {
        others.push_back(make(std::move(declaration), false));
      }
      if (is_kept) kept.push_back(others.back());
    }
    for (const ModelPtr& model : others_) {
      if (std::ranges::find(others, model) != others.end()) continue;
      const bool is_named_by_file = !model->declaration().sha256.empty();
      if (!is_named_by_file) let_go(*model);
      (is_named_by_file ? others : leaving_).push_back(model);
    }
    others_ = std::move(others);
  }
  for (const ModelPtr& model : kept) begin_to_load(*model);
}

// It has its memory only for the calls that it has.
void ModelPool::let_go(ServedModel& model) {
  ModelDeclaration declaration = model.declaration();
  declaration.is_kept = false;
  model.declare(std::move(declaration));
}

// One that cannot be begun for want of a thread is by its first request.
void ModelPool::begin_to_load(ServedModel& model) {
  try {
    model.scheduler();
  } catch (const std::exception& fault) {
    log_.warn("cannot begin to load", {{"name", first_name(model)}, {"error", fault.what()}});
  }
}

void ModelPool::set_idle_timeout(std::chrono::nanoseconds timeout) {
  idle_timeout_ = timeout;
  for (const ModelPtr& model : list()) model->refresh_idle_timeout();
}

void ModelPool::tidy() {
  std::vector<ModelPtr> gone;  // They end without the lock.
  const std::lock_guard lock(mutex_);
  std::erase_if(leaving_, [&](ModelPtr& model) {
    if (model.use_count() > 1) return false;
    gone.push_back(std::move(model));
    return true;
  });
}

std::vector<ModelPtr> ModelPool::with_host() const {
  std::vector<ModelPtr> models = list();
  {
    const std::lock_guard lock(mutex_);
    models.insert(models.end(), leaving_.begin(), leaving_.end());
  }
  std::erase_if(models, [](const ModelPtr& model) { return model->host() == nullptr; });
  return models;
}

void ModelPool::close(const std::optional<Error>& error) {
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    why_closed_ = error;
  }
  for (const ModelPtr& model : list()) model->close(error);
  for (const ModelPtr& model : with_host()) model->close(error);
}

bool ModelPool::drain(milliseconds timeout) {
  const SteadyTime until = clock_.steady_now() + timeout;
  return std::ranges::all_of(with_host(), [&](const ModelPtr& model) {
    const auto left = std::chrono::ceil<milliseconds>(until - clock_.steady_now());
    return model->host()->scheduler().drain(std::max(left, milliseconds(0)));
  });
}

bool ModelPool::stop(milliseconds timeout) {
  const SteadyTime until = clock_.steady_now() + timeout;
  const std::vector<ModelPtr> models = with_host();
  for (const ModelPtr& model : models) model->host()->stop(milliseconds(0));
  return std::ranges::all_of(models, [&](const ModelPtr& model) {
    const auto left = std::chrono::ceil<milliseconds>(until - clock_.steady_now());
    return model->host()->stop(std::max(left, milliseconds(0)));
  });
}

void ModelPool::interrupt() {
  for (const ModelPtr& model : with_host()) model->host()->scheduler().interrupt();
}

int64_t ModelPool::queue_tokens() const {
  int64_t tokens = 0;
  for (const ModelPtr& model : with_host()) tokens += model->host()->scheduler().queue_tokens();
  return tokens;
}

int64_t ModelPool::work_done() const {
  int64_t work = 0;
  for (const ModelPtr& model : with_host()) {
    const LoadStatistics load = model->host()->scheduler().load_statistics();
    work += load.passes + load.cached_texts + load.refused_calls + load.cancelled_calls;
  }
  return work;
}

}  // namespace runed::daemon
