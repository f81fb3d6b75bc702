#include "daemon/engine_maker.hpp"

#include <functional>
#include <memory>
#include <utility>

#include "bootstrap/ready_model.hpp"
#include "daemon/engine.hpp"

namespace runed::daemon {
namespace {

using bootstrap::ModelChoice;

constexpr const char* kBuiltinNotice =
    "no model is installed, so the small built-in one answers; 'runed install' fetches "
    "Qwen3-Embedding-0.6B, whose vectors find better but do not mix with these";

std::string notice_of(const ModelChoice& choice) {
  const bool by_default = choice.kind == ModelChoice::Kind::builtin &&
                          choice.origin == bootstrap::Origin::default_value;
  return by_default ? kBuiltinNotice : "";
}

std::string name_of(const ModelChoice& choice) {
  if (choice.kind == ModelChoice::Kind::file) return fmt::format("'{}'", choice.path);
  return choice.variant.empty() ? "the manifest's default model" : choice.variant;
}

}  // namespace

EngineMaker make_engine_maker(bootstrap::Paths paths, bootstrap::Settings settings,
                              bootstrap::ModelChoice choice, bootstrap::DownloadPolicy policy,
                              const Clock& clock, Log& log) {
  return [=, &clock, &log](
             State& state,
             const std::function<bool()>& is_stopping) -> Result<std::unique_ptr<embed::Embedder>> {
    state.set_variant(choice.variant, notice_of(choice));
    std::string doing =
        "checking " + name_of(choice);  // Told again once what an event said is over.
    bool is_event = false;
    if (choice.kind != ModelChoice::Kind::builtin) state.loading(Phase::fetching_model, doing);
    const bootstrap::InstallHooks hooks{
        .watch = {.is_cancelled = is_stopping,
                  .on_progress =
                      [&](uint64_t done, uint64_t total) {
                        if (std::exchange(is_event, false)) state.explain(doing);
                        state.progress(done, total);
                      },
                  .on_event =
                      [&](const std::string& text) {
                        log.info("bootstrap", {{"event", text}});
                        state.explain(text);
                        is_event = true;
                      }},
        .on_activity = [&](bootstrap::Activity activity, bootstrap::Part part,
                           const std::string& variant) {
          const bool is_model = part == bootstrap::Part::model;
          doing = fmt::format("{} {}",
                              activity == bootstrap::Activity::checking ? "checking" : "fetching",
                              is_model ? variant : "llama-server");
          state.loading(is_model ? Phase::fetching_model : Phase::fetching_llama_server, doing);
        }};
    TRY_ASSIGN(const auto ready,
               bootstrap::ensure_model(paths, settings, choice, policy, clock, hooks));
    state.set_variant(ready.variant, notice_of(choice));
    return make_embedder(ready, settings, clock);
  };
}

}  // namespace runed::daemon
