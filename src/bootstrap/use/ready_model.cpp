#include "bootstrap/use/ready_model.hpp"

#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "embed/model/model_file.hpp"

namespace runed::bootstrap {
namespace {

// What the variant's file must hash to; empty if nothing here says so.
Result<std::string> promised_digest(const Paths& paths, const Settings& settings,
                            const std::string& variant) {
  TRY_ASSIGN(const Installed installed, Installed::load(paths.installed_file));
  if (const auto entry = installed.variants.find(variant); entry != installed.variants.end()) {
    return entry->second.sha256;
  }
  const auto manifest = load_local_manifest(paths, settings.manifest.value);
  if (!manifest) return std::string();
  const auto model = manifest->model(variant);
  return model ? model->sha256 : std::string();
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
  const bool is_variant = choice.kind == ModelChoice::Kind::variant;
  if (is_variant) {
    TRY_ASSIGN(ready.promised_sha256, promised_digest(paths, settings, choice.variant));
  }
  const std::string& promised = ready.promised_sha256;
  auto digest =
      Record(paths.record_file).model_digest(choice.path, Reading::if_changed, watch, inspect);
  // Then it is not what was installed, and can be had again.
  if (!digest && digest.error().code == ErrorCode::model_corrupt && !promised.empty()) {
    digest.error().code = ErrorCode::integrity;
    digest.error().hint =
        fmt::format("'runed install --variant {}' fetches it again", choice.variant);
  }
  if (!digest) return unreadable(std::move(digest).error());
  ready.sha256 = *std::move(digest);
  if (promised.empty() || promised == ready.sha256) return ready;
  return make_error(ErrorCode::integrity, "'{}' is damaged: its SHA-256 is {}, not {}", choice.path,
                    ready.sha256, promised)
      .with_hint(fmt::format("'runed install --variant {}' fetches it again", choice.variant));
}

Result<ReadyModel> ensure_model(const Paths& paths, const Settings& settings,
                                const ModelChoice& choice, const DownloadPolicy& policy,
                                const Clock& clock, const InstallHooks& hooks) {
  auto ready = check_model(paths, settings, choice, hooks.watch, hooks.inspect);
  if (ready || choice.kind != ModelChoice::Kind::variant) return ready;
  const ErrorCode code = ready.error().code;
  if (code != ErrorCode::model_missing && code != ErrorCode::integrity) return ready;
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
