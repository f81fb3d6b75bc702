#include "bootstrap/use/ready_model.hpp"

#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/own_model.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "embed/model/model_file.hpp"

namespace runed::bootstrap {
namespace {

// What a variant must hash to, and how it is had again.
struct Promise {
  std::string sha256;  // Empty if nothing here says so.
  bool is_own = false;
  std::string advice;
};

Result<Promise> find_promise(const Paths& paths, const Settings& settings,
                             const std::string& variant) {
  Promise promise{.sha256 = {},
                  .advice = fmt::format("'runed install --variant {}' fetches it again", variant)};
  TRY_ASSIGN(const Installed installed, Installed::load(paths.installed_file));
  if (const auto entry = installed.variants.find(variant); entry != installed.variants.end()) {
    promise.sha256 = entry->second.sha256;
    promise.is_own = entry->second.is_own;
    if (promise.is_own) promise.advice = advise_taking_again(variant, entry->second);
    return promise;
  }
  const auto manifest = load_local_manifest(paths, settings.manifest.value);
  const auto model = manifest ? manifest->model(variant) : Result<Artifact>(manifest.error());
  if (model) promise.sha256 = model->sha256;
  return promise;
}

// A file that is no model for whatever reason is a fault of the model, but for a disk that fails.
Error unreadable(Error error) {
  switch (error.code) {
    case ErrorCode::cancelled:
    case ErrorCode::io:
    case ErrorCode::integrity:
    case ErrorCode::model_missing:
    case ErrorCode::model_corrupt:
    case ErrorCode::model_unsupported:
      return error;
    default:
      error.code =
          error.code == ErrorCode::not_found ? ErrorCode::model_missing : ErrorCode::model_corrupt;
      error.message.insert(0, "cannot use the model: ");
      return error;
  }
}

Result<ReadyModel> install_model(const Paths& paths, const Settings& settings,
                                 const InstallRequest& request, const DownloadPolicy& policy,
                                 const Clock& clock, const InstallHooks& hooks) {
  TRY_ASSIGN(const Manifest manifest,
             load_manifest(paths, settings.manifest.value, policy, hooks.watch));
  TRY_ASSIGN(const auto steps, install(paths, manifest, request, policy, clock, hooks));
  const InstallStep& step = steps.front();
  TRY_ASSIGN(const os::FileIdentity file, os::file_identity(step.path));
  return ReadyModel{.variant = step.variant,
                    .path = step.path,
                    .sha256 = step.artifact.sha256,
                    .promised_sha256 = step.artifact.sha256,
                    .file = file,
                    .published = manifest.published_models()};
}

}  // namespace

std::vector<PublishedModel> published_models(const Paths& paths, const Settings& settings) {
  const auto manifest = load_local_manifest(paths, settings.manifest.value);
  return manifest ? manifest->published_models() : std::vector<PublishedModel>();
}

Result<ReadyModel> check_model(const Paths& paths, const Settings& settings,
                               const ModelChoice& choice, const Watch& watch,
                               const ModelInspector& inspect) {
  TRY(check_installed(choice, paths, settings));
  ReadyModel ready{.variant = choice.variant,
                   .path = choice.path,
                   .published = published_models(paths, settings)};
  if (choice.kind == ModelChoice::Kind::builtin) return ready;
  auto file = embed::identity_at(choice.path);
  if (!file) return unreadable(std::move(file).error());
  ready.file = *file;
  Promise promise;
  if (choice.kind == ModelChoice::Kind::variant) {
    TRY_ASSIGN(promise, find_promise(paths, settings, choice.variant));
  }
  const std::string& promised = ready.promised_sha256 = promise.sha256;
  auto digest =
      Record(paths.record_file).model_digest(choice.path, Reading::if_changed, watch, inspect);
  // Then it is not what was installed, and can be had again.
  if (!digest && digest.error().code == ErrorCode::model_corrupt && !promised.empty()) {
    digest.error().code = ErrorCode::integrity;
    digest.error().hint = promise.advice;
  }
  if (!digest) return unreadable(std::move(digest).error());
  ready.sha256 = *std::move(digest);
  if (promised.empty() || promised == ready.sha256) return ready;
  return make_error(ErrorCode::integrity, "'{}' is damaged: its SHA-256 is {}, not {}", choice.path,
                    ready.sha256, promised)
      .with_hint(promise.advice);
}

Result<ReadyModel> ensure_model(const Paths& paths, const Settings& settings,
                                const ModelChoice& choice, const DownloadPolicy& policy,
                                const Clock& clock, const InstallHooks& hooks) {
  auto ready = check_model(paths, settings, choice, hooks.watch, hooks.inspect);
  if (ready || choice.kind != ModelChoice::Kind::variant) return ready;
  const ErrorCode code = ready.error().code;
  if (code != ErrorCode::model_missing && code != ErrorCode::integrity) return ready;
  // A model of one's own is in no manifest.
  const auto promise = find_promise(paths, settings, choice.variant);
  if (promise && promise->is_own) return std::move(ready).error().with_hint(promise->advice);
  if (code == ErrorCode::integrity) hooks.watch.event(ready.error().message);
  auto installed = install_model(
      paths, settings, {.parts = {Part::model}, .variant = choice.variant}, policy, clock, hooks);
  if (installed || code != ErrorCode::integrity || installed.error().code == ErrorCode::cancelled) {
    return installed;
  }
  // That it is damaged is what matters, not that it could not be fetched again.
  return std::move(ready).error().with_hint("it cannot be fetched again: " +
                                            installed.error().message);
}

}  // namespace runed::bootstrap
