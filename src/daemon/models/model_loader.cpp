#include "daemon/models/model_loader.hpp"

#include <functional>
#include <memory>
#include <utility>

#include "bootstrap/install/last_builtin.hpp"
#include "bootstrap/install/last_used.hpp"
#include "bootstrap/use/ready_llama_server.hpp"
#include "bootstrap/use/ready_model.hpp"
#include "daemon/models/engine_factory.hpp"
#include "embed/model/builtin_model.hpp"

namespace runed::daemon {
namespace {

using bootstrap::ModelChoice;

constexpr const char* kBuiltinNotice =
    "no model is installed, so the built-in {} answers; 'runed install' fetches "
    "Qwen3-Embedding-0.6B, whose vectors find better but do not mix with these";

std::string notice_of(const ModelChoice& choice) {
  const bool by_default = choice.kind == ModelChoice::Kind::builtin &&
                          choice.origin == bootstrap::Origin::default_value;
  return by_default ? fmt::format(kBuiltinNotice, embed::builtin_model_name()) : "";
}

std::string name_of(const ModelChoice& choice) {
  if (choice.kind == ModelChoice::Kind::file) return fmt::format("'{}'", choice.path);
  return choice.variant.empty() ? "the manifest's default model" : choice.variant;
}

// What was named by its identity is that model or none.
Status check_identity(bootstrap::ReadyModel& model, const std::string& sha256) {
  if (sha256.empty()) return {};
  if (model.sha256 != sha256) {
    return make_error(ErrorCode::model_corrupt,
                      "'{}' is not the file that was named: its SHA-256 is {}, not {}", model.path,
                      model.sha256, sha256)
        .with_hint("name the file again to load what it is now");
  }
  model.promised_sha256 = sha256;
  return {};
}

/// One load of a model up to its engine, and how it is told to State and to the log.
class ModelLoad {
 public:
  ModelLoad(const ModelLoaderOptions& options, std::optional<os::TemporaryDirectory>& directory,
            State& state, const std::function<bool()>& is_stopping, const Clock& clock, Log& log)
      : options_(options),
        directory_(directory),
        state_(state),
        is_stopping_(is_stopping),
        clock_(clock),
        log_(log) {}

  Result<std::unique_ptr<embed::Engine>> run();

 private:
  Result<EnginePlaces> places();
  void note_builtin();
  bootstrap::InstallHooks hooks();
  void begin(bootstrap::Activity activity, bootstrap::Part part, const std::string& variant);

  const ModelLoaderOptions& options_;
  std::optional<os::TemporaryDirectory>& directory_;  // Of a llama-server, once it has one.
  State& state_;
  const std::function<bool()>& is_stopping_;
  const Clock& clock_;
  Log& log_;
  std::string doing_;  // Told again once what an event said is over.
  bool is_event_ = false;
};

void ModelLoad::begin(bootstrap::Activity activity, bootstrap::Part part,
                      const std::string& variant) {
  const bool is_model = part == bootstrap::Part::model;
  doing_ = fmt::format("{} {}", activity == bootstrap::Activity::checking ? "checking" : "fetching",
                       is_model ? variant : "llama-server");
  state_.loading(is_model ? Phase::fetching_model : Phase::fetching_llama_server, doing_);
}

bootstrap::InstallHooks ModelLoad::hooks() {
  return {.watch = {.is_cancelled = is_stopping_,
                    .on_progress =
                        [this](uint64_t done, uint64_t total) {
                          if (std::exchange(is_event_, false)) state_.explain(doing_);
                          state_.progress(done, total);
                        },
                    .on_event =
                        [this](const std::string& text) {
                          log_.info("bootstrap", {{"event", text}});
                          state_.explain(text);
                          is_event_ = true;
                        }},
          .on_activity = [this](auto activity, auto part, const std::string& variant) {
            begin(activity, part, variant);
          },
          .inspect = inspect_model};
}

// One place is for one llama-server, which only a model has that is served by it.
Result<EnginePlaces> ModelLoad::places() {
  if (!options_.has_own_places) return daemon_places(options_.paths);
  if (!directory_.has_value()) {
    TRY_ASSIGN(directory_, os::TemporaryDirectory::create(fmt::format(
                               "{}/{}", options_.paths.cache_dir, bootstrap::kEnginePrefix)));
  }
  return places_in(*directory_);
}

// Whoever has vectors of the one before is told, for nothing else would show it.
void ModelLoad::note_builtin() {
  const auto previous = bootstrap::note_builtin(options_.paths, embed::builtin_model_name());
  if (!previous) log_.warn("cannot note the built-in model", {{"error", previous.error().message}});
  if (previous && previous->has_value()) state_.set_previous_builtin(**previous);
  const std::string before = state_.previous_builtin();
  if (before.empty()) return;
  const std::string notice = bootstrap::describe_other_builtin(embed::builtin_model_name(), before);
  state_.set_variant(state_.variant(), notice);
  log_.warn("another built-in model", {{"before", before}, {"notice", notice}});
}

Result<std::unique_ptr<embed::Engine>> ModelLoad::run() {
  const auto& [paths, settings, model, environment, policy, gpu_probe, sha256, has_own_places,
               compute_pool] = options_;
  state_.set_variant(model.variant, notice_of(model));
  // Before a model that is not here can be fetched, the manifest tells where it is.
  const bool needs_manifest = !model.is_installed();
  doing_ = needs_manifest ? "fetching manifest" : "checking " + name_of(model);
  if (model.kind != ModelChoice::Kind::builtin) {
    state_.loading(needs_manifest ? Phase::none : Phase::fetching_model, doing_);
  }
  EngineOptions engine{.compute_pool = compute_pool, .log = &log_};
  TRY_ASSIGN(engine.model,
             bootstrap::ensure_model(paths, settings, model, policy, clock_, hooks()));
  TRY(check_identity(engine.model, sha256));
  state_.set_variant(engine.model.variant, notice_of(model));
  if (!engine.model.variant.empty() && model.kind == ModelChoice::Kind::variant) {
    const Status noted = bootstrap::note_used(paths, engine.model.variant, clock_);
    if (!noted) log_.warn("cannot note a use", {{"error", noted.error().message}});
  }
  if (model.kind == ModelChoice::Kind::builtin) note_builtin();
  const auto get_llama_server = [&, this] {
    return bootstrap::ensure_llama_server(options_.paths, options_.settings, options_.environment,
                                          options_.policy, clock_, hooks());
  };
  TRY_ASSIGN(engine.choice, choose_engine({.paths = paths,
                                           .settings = settings,
                                           .model = engine.model,
                                           .environment = environment,
                                           .get_llama_server = get_llama_server,
                                           .watch = hooks().watch},
                                          gpu_probe));
  if (engine.choice.engine == bootstrap::EngineKind::llama_server) {
    TRY_ASSIGN(engine.places, places());
  }
  state_.set_engine_reason(engine.choice.reason);
  log_.info("engine chosen", {{"engine", bootstrap::name_of(engine.choice.engine)},
                              {"executable", engine.choice.executable},
                              {"reason", engine.choice.reason}});
  return make_engine(std::move(engine), settings, clock_);
}

}  // namespace

ModelLoader make_model_loader(ModelLoaderOptions options, const Clock& clock, Log& log) {
  const auto directory = std::make_shared<std::optional<os::TemporaryDirectory>>();
  return [options = std::move(options), directory, &clock, &log](
             State& state, const std::function<bool()>& is_stopping) {
    return ModelLoad(options, *directory, state, is_stopping, clock, log).run();
  };
}

}  // namespace runed::daemon
