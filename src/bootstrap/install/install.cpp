#include "bootstrap/install/install.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "bootstrap/config/home.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/install/install_lock.hpp"
#include "bootstrap/install/licenses.hpp"
#include "bootstrap/install/llama_server.hpp"
#include "bootstrap/install/model_check.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/manifest/variant.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "embed/model/model_facts.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

using State = ArtifactState;

// RFC 3339 in whole seconds, as the predecessor writes it.
std::string format_seconds(SystemTime time) {
  return format_time(time).substr(0, 19) + "Z";
}

bool becomes_default(BecomesDefault request, const Installed& installed) {
  return request == BecomesDefault::always ||
         (request == BecomesDefault::if_first && installed.model_variant.empty());
}

/// One run: what it works on and with.
struct Run {
  const Paths& paths;
  const Manifest& manifest;
  const InstallHooks& hooks;
  Installed installed;
  Record record;

  void tell(Activity activity, Part part, const std::string& variant) const {
    if (hooks.on_activity) hooks.on_activity(activity, part, variant);
  }
  Result<InstallStep> inspect_model(const std::string& wanted) const;
  Result<InstallStep> inspect_server() const;
  Result<std::vector<InstallStep>> inspect_all(const InstallRequest& request) const;
  Status fetch_model(InstallStep& step, const DownloadPolicy& policy);
  Status fetch_server(InstallStep& step, const DownloadPolicy& policy);
  Status ensure(InstallStep& step, const InstallRequest& request, const DownloadPolicy& policy);
};

Result<std::string> resolve_variant(const Manifest& manifest, const std::string& wanted) {
  if (!wanted.empty()) {
    auto found = find_variant(manifest.variants(), wanted);
    if (!found && found.error().code == ErrorCode::not_found) {
      return make_error(ErrorCode::model_missing, "the manifest '{}' has no variant '{}'",
                        display_url(manifest.source()), printable(wanted))
          .with_hint(found.error().hint);
    }
    return found;
  }
  if (const std::string fallback = manifest.default_model(); !fallback.empty()) return fallback;
  return make_error(ErrorCode::bad_config,
                    "no variant is named, and the manifest '{}' has no "
                    "default_model",
                    display_url(manifest.source()))
      .with_hint("name one with --variant, RUNED_MODEL_VARIANT or model_variant in config.json");
}

Result<InstallStep> Run::inspect_model(const std::string& wanted) const {
  InstallStep step{.part = Part::model};
  TRY_ASSIGN(step.variant, resolve_variant(manifest, wanted));
  TRY_ASSIGN(step.artifact, manifest.model(step.variant));
  step.path = model_path(paths, step.variant);
  const auto known = installed.variants.find(step.variant);
  const bool is_another = known != installed.variants.end() && known->second.is_own &&
                          known->second.sha256 != step.artifact.sha256;
  if (is_another) {
    return make_error(ErrorCode::usage, "the name '{}' is taken by a model of your own",
                      step.variant)
        .with_hint(fmt::format("'runed uninstall {}' removes that one", step.variant));
  }
  tell(Activity::checking, Part::model, step.variant);
  if (!os::exists(step.path)) return step;
  const auto digest =
      record.model_digest(step.path, Reading::if_changed, hooks.watch, hooks.inspect);
  if (!digest && digest.error().code != ErrorCode::model_corrupt) return digest.error();
  if (digest && *digest == step.artifact.sha256) {
    step.state = State::intact;
  } else {
    const bool as_installed =
        digest && known != installed.variants.end() && known->second.sha256 == *digest;
    step.state = as_installed ? State::outdated : State::damaged;
  }
  return step;
}

Result<InstallStep> Run::inspect_server() const {
  tell(Activity::checking, Part::llama_server, {});
  TRY_ASSIGN(const LlamaServerArtifact wanted, manifest.llama_server(platform_name()));
  TRY_ASSIGN(const ArtifactState state,
             inspect_llama_server(paths, wanted, installed, record, hooks.watch));
  return InstallStep{.part = Part::llama_server,
                     .variant = {},
                     .artifact = wanted.artifact,
                     .path = paths.llama_cpp_dir,
                     .state = state};
}

Result<std::vector<InstallStep>> Run::inspect_all(const InstallRequest& request) const {
  std::vector<InstallStep> steps;
  for (const Part part : request.parts) {
    TRY_ASSIGN(steps.emplace_back(),
               part == Part::model ? inspect_model(request.variant) : inspect_server());
  }
  return steps;
}

Status Run::fetch_model(InstallStep& step, const DownloadPolicy& policy) {
  TRY_ASSIGN(const DownloadReport report, download({.urls = step.artifact.sources,
                                                    .sha256 = step.artifact.sha256,
                                                    .size_bytes = step.artifact.size_bytes,
                                                    .begin = kGgufMagic},
                                                   step.path, policy, hooks.watch));
  step.bytes_received = report.bytes_received;
  record.remember(step.path, step.artifact.sha256);
  return {};
}

Status Run::fetch_server(InstallStep& step, const DownloadPolicy& policy) {
  TRY_ASSIGN(const LlamaServerArtifact wanted, manifest.llama_server(platform_name()));
  TRY_ASSIGN(InstalledLlamaServer server, install_llama_server(paths, wanted, policy, hooks.watch));
  step.bytes_received = server.bytes_received;
  installed.llama_server = std::move(server.artifact);
  installed.llama_server_files = std::move(server.files);
  return {};
}

Status Run::ensure(InstallStep& step, const InstallRequest& request, const DownloadPolicy& policy) {
  if (step.state != State::intact) tell(Activity::fetching, step.part, step.variant);
  if (step.state == State::damaged || step.state == State::outdated) {
    hooks.watch.event(fmt::format("'{}' is {}: fetching it again", step.path, name_of(step.state)));
  }
  if (step.part == Part::llama_server) {
    return step.state == State::intact ? Status{} : fetch_server(step, policy);
  }
  if (step.state != State::intact) TRY(fetch_model(step, policy));
  // Now, and not when somebody waits for a vector: what is not recorded is not served by default.
  TRY(check_recognised(step.path, step.artifact.sha256, manifest.published_models()));
  // An intact file may be one that was put there by hand, or before a crash.
  const PublishedModel published = manifest.describe(step.variant);
  InstalledArtifact entry = installed.variants[step.variant];
  if (entry.sha256 != step.artifact.sha256) {
    TRY_ASSIGN(const os::FileIdentity file, os::file_identity(step.path));
    entry = {.url = step.artifact.url,
             .sha256 = step.artifact.sha256,
             .path = step.path,
             .size_bytes = file.size_bytes,
             .is_own = published.is_own};
  }
  entry.is_reranker = embed::find_pooling(published.pooling) == embed::Pooling::rank;
  note_model(entry, request.becomes_default, step, installed);
  return {};
}

}  // namespace

std::string_view name_of(Part part) {
  return part == Part::model ? "model" : "llama_server";
}

std::string_view name_of(ArtifactState state) {
  switch (state) {
    case State::missing:
      return "missing";
    case State::outdated:
      return "outdated";
    case State::damaged:
      return "damaged";
    case State::intact:
      break;
  }
  return "intact";
}

void note_model(const InstalledArtifact& model, BecomesDefault request, InstallStep& step,
                Installed& installed) {
  installed.variants[step.variant] = model;
  step.default_before = installed.model_variant;
  if (!model.is_reranker && becomes_default(request, installed)) {
    installed.model_variant = step.variant;
  }
  if (installed.model_variant == step.variant) installed.model = model;
  step.default_now = installed.model_variant;
}

// The manifest that is remembered is that of the default, since it tells for which manifest that counts.
void write_installed(const Paths& paths, const InstallStep& step, const std::string& manifest_url,
                     const Clock& clock, const Watch& watch, Installed& installed) {
  if (installed.model_variant.empty() || installed.model_variant == step.variant) {
    installed.manifest_url = manifest_url;
  }
  installed.platform = platform_name();
  installed.installed_at = format_seconds(clock.system_now());
  if (Status written = installed.write(paths.installed_file); !written) {
    watch.event(written.error().message);
  }
}

Result<std::vector<InstallStep>> plan_install(const Paths& paths, const Manifest& manifest,
                                              const InstallRequest& request,
                                              const InstallHooks& hooks) {
  return Run{paths, manifest, hooks, Installed::load_or_empty(paths.installed_file),
             Record(paths.record_file)}
      .inspect_all(request);
}

Result<std::vector<InstallStep>> install(const Paths& paths, const Manifest& manifest,
                                         const InstallRequest& request,
                                         const DownloadPolicy& policy, const Clock& clock,
                                         const InstallHooks& hooks) {
  TRY(make_directories(paths));
  TRY_ASSIGN(const os::FileLock lock, acquire_install_lock(paths, hooks.watch));
  TRY(write_licenses(paths.licenses_dir));
  Run run{paths, manifest, hooks, Installed::load_or_empty(paths.installed_file), Record(paths.record_file)};
  // All are looked at before the first is fetched: a misspelt variant should not cost a download.
  TRY_ASSIGN(std::vector<InstallStep> steps, run.inspect_all(request));
  for (InstallStep& step : steps) {
    TRY(run.ensure(step, request, policy));
    // After each part: what is in place must be known, whatever becomes of the next.
    write_installed(paths, step,
                    request.manifest_url.empty() ? manifest.source() : request.manifest_url, clock,
                    hooks.watch, run.installed);
  }
  return steps;
}

}  // namespace runed::bootstrap
