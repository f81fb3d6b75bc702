#include "daemon/api/api.hpp"

#include <utility>

namespace runed::daemon {
namespace {

ModelHealth health_of(const ServedModel& model) {
  ModelHealth health{.name = model.declaration().names.front(),
                     .state = model.state().snapshot(),
                     .admitted_calls = model.admitted_calls(),
                     .load = LoadStatistics{},
                     .used_at = model.used_at()};
  if (ModelHost* const host = model.host()) {
    const Scheduler& scheduler = host->scheduler();
    health.restarts = scheduler.restarts();
    health.queue_tokens = scheduler.queue_tokens();
    health.load = scheduler.load_statistics();
    health.cache_bytes = scheduler.cache_bytes();
    health.memory_bytes = scheduler.memory_bytes();
    health.evictions = scheduler.evictions();
  }
  if (health.state.serving == Serving::shutting_down) health.load.reset();
  return health;
}

// Tells who waits for a model to be loaded, once that has embedded nothing.
class LoadReceiver final : public EmbedReceiver {
 public:
  LoadReceiver(std::function<ModelDescription()> describe, Answer<ModelDescription> answer)
      : describe_(std::move(describe)), answer_(std::move(answer)) {}

  void receive(Result<std::vector<Embedding>> result) override {
    if (result) {
      answer_.give(describe_());
    } else {
      answer_.give(std::move(result).error());
    }
  }
  void drop() noexcept override { answer_.drop(); }

 private:
  const std::function<ModelDescription()> describe_;
  Answer<ModelDescription> answer_;
};

}  // namespace

std::optional<uint32_t> dimension_of(const ServedModel& model) {
  const auto loaded = model.state().model();
  return loaded == nullptr ? std::nullopt : std::optional(loaded->dimension);
}

Api::Api(const Parts& parts, ServiceInfo info, ServiceHooks hooks)
    : parts_(parts),
      info_(std::move(info)),
      hooks_(std::move(hooks)),
      started_(parts.clock.steady_now()),
      started_at_(parts.clock.system_now()) {}

Status Api::check_state() const {
  return check_state(*parts_.models.default_model());
}

Status Api::check_open() const {
  return serving() == Serving::shutting_down ? check_state() : Status();
}

Status Api::check_state(const ServedModel& model) const {
  const StateSnapshot state = model.state().snapshot();
  if (state.serving == Serving::loading) {
    if (model.is_on_demand()) return {};
    return make_error(ErrorCode::bootstrapping, "daemon is bootstrapping; embed not yet available");
  }
  if (takes_requests(state.serving)) return {};
  if (state.reason.has_value()) return make_error(*state.reason, "{}", state.message);
  return make_error(ErrorCode::shutting_down, "the daemon is shutting down");
}

Result<Api::Admitted> Api::admit(std::string_view name, bool with_route) {
  TRY_ASSIGN(ModelPtr model, parts_.models.find(name));
  TRY(check_state(*model));
  std::shared_ptr<const CentroidSet> set;
  if (with_route) {
    const auto dimension = dimension_of(*model);
    set = dimension.has_value() ? model->centroids().find(*dimension) : model->centroids().get();
    if (set == nullptr) {
      return make_error(
          ErrorCode::no_centroid_set,
          "no centroid set loaded; send one with SetCentroids, or leave with_route out");
    }
  }
  model->count_call();
  return Admitted{std::move(model), std::move(set)};
}

ModelDescription Api::describe(const ModelPtr& model) const {
  ModelDeclaration declaration = model->declaration();
  const auto loaded = model->state().model();
  const auto dimension = dimension_of(*model);
  std::string variant = model->state().variant();
  if (variant.empty()) variant = declaration.choice.variant;
  return {.names = std::move(declaration.names),
          .is_default = model == parts_.models.default_model(),
          .is_kept = declaration.is_kept,
          .idle_timeout = model->idle_timeout(),
          .path = std::move(declaration.choice.path),
          .file_bytes = model->file_bytes(),
          .variant = std::move(variant),
          .previous_builtin = model->state().previous_builtin(),
          .engine_reason = model->state().engine_reason(),
          .model = loaded,
          .centroids = dimension.has_value() ? model->centroids().find(*dimension)
                                             : model->centroids().get()};
}

ServiceInfo Api::service_info() const {
  const std::lock_guard lock(mutex_);
  return info_;
}

Result<Info> Api::info(std::string_view name) const {
  TRY_ASSIGN(const ModelPtr model, parts_.models.find(name));
  Info info{
      .service = service_info(), .started_at = started_at_, .model = describe(model), .models = {}};
  for (const ModelPtr& each : parts_.models.list()) info.models.push_back(describe(each));
  return info;
}

Result<Health> Api::health(std::string_view name) const {
  TRY_ASSIGN(const ModelPtr model, parts_.models.find(name));
  Health health{.uptime = parts_.clock.steady_now() - started_,
                .model = health_of(*model),
                .models = {},
                .memory_bytes = parts_.models.memory().held_bytes(),
                .memory_budget_bytes = parts_.models.memory().bytes()};
  for (const ModelPtr& each : parts_.models.list()) {
    health.models.push_back(health_of(*each));
    health.admitted_calls += health.models.back().admitted_calls;
  }
  return health;
}

// A file is hashed, which is nothing for the threads of a wire.
void Api::load_model(LoadRequest request, Answer<ModelDescription> answer) {
  const auto shared = std::make_shared<Answer<ModelDescription>>(std::move(answer));
  loads_.submit(
      [this, request = std::move(request), shared] { load(request, std::move(*shared)); });
}

// A job without texts makes the model ready, and is answered when it is.
void Api::load(const LoadRequest& request, Answer<ModelDescription> answer) {
  const auto find = [&]() -> Result<ModelPtr> {
    TRY(check_open());
    if (request.path.empty()) return parts_.models.find(request.name);
    const auto is_ending = [this] { return !check_open().has_value(); };
    TRY_ASSIGN(ModelDeclaration declaration, hooks_.look_at_file(request.path, is_ending));
    TRY(check_open());
    return parts_.models.add(std::move(declaration));
  };
  auto model = find();
  if (!model) return answer.give(std::move(model).error());
  if (request.idle_timeout.has_value()) {
    (*model)->ask_for_idle_timeout(*request.idle_timeout);
  }
  auto receiver = std::make_unique<LoadReceiver>([this, found = *model] { return describe(found); },
                                                 std::move(answer));
  embed(*model, {.texts = {},
                 .options = {},
                 .priority = Priority::interactive,
                 .route = {},
                 .answer = EmbedAnswer(std::move(receiver))});
}

Result<ModelDescription> Api::unload_model(std::string_view name) {
  TRY_ASSIGN(const ModelPtr model, parts_.models.find(name));
  if (model->declaration().is_kept) {
    return make_error(ErrorCode::invalid_argument, "model '{}' is kept loaded by config.json",
                      model->declaration().names.front())
        .with_hint("give its keep_alive a duration, and run 'runed reload'");
  }
  if (model->host() != nullptr) model->scheduler().unload();
  return describe(model);
}

Result<Reloaded> Api::reload() {
  parts_.log.info("reading the configuration again");
  TRY_ASSIGN(Reloaded reloaded, hooks_.reload());
  const std::lock_guard lock(mutex_);
  info_.config = reloaded.config;
  return reloaded;
}

InstalledCentroids Api::install_centroids(const ModelPtr& model, CentroidSet set) {
  InstalledCentroids installed{.version = std::string(set.version()), .count = set.count()};
  model->centroids().install(std::move(set));
  return installed;
}

void Api::stop(int grace_seconds) {
  parts_.log.info("received Shutdown RPC", {{"grace_seconds", grace_seconds}});
  hooks_.request_stop(grace_seconds);
}

}  // namespace runed::daemon
