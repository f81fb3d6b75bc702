#include "cmd/install/own_source.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "bootstrap/archive/bundle.hpp"
#include "bootstrap/install/own_model.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "bootstrap/manifest/variant.hpp"
#include "daemon/models/engine_factory.hpp"
#include "os/file/files.hpp"

namespace runed::cmd {
namespace {

using bootstrap::InstallStep;
using bootstrap::Manifest;
using Work = InstallWork;

bootstrap::OwnModelRequest own_request(const Work& work) {
  const InstallFlags& flags = work.flags;
  return {.model = {.source = flags.source.value_or(""),
                    .name = flags.name.value_or(""),
                    .sha256 = flags.sha256.value_or("")},
          .manifest_url = work.location.settings.manifest.value,
          .becomes_default = work.becomes_default()};
}

// The manifest is asked for nothing but what it says of the file: no network is needed for that.
Result<Manifest> manifest_beside(const Work& work) {
  const bootstrap::Paths& paths = work.location.paths;
  auto manifest = bootstrap::load_local_manifest(paths, work.location.settings.manifest.value);
  return manifest ? std::move(manifest)
                  : bootstrap::load_local_manifest(paths, bootstrap::kBuiltinManifest);
}

// Of a directory and of a reranker there is one engine, and what that cannot do nobody can. Of other
// files llama-server may.
Status check_servable(const Work& work, const std::string& path) {
  const auto verdict = daemon::check_native({.variant = {}, .path = path}, work.location.settings);
  return os::is_directory(path) || verdict.is_reranker ? verdict.served : Status();
}

// A word is the name of a model, and no path: that of a file has a slash or ends in `.gguf`.
Result<std::string> source_of(const Work& work) {
  const std::string& source = *work.flags.source;
  if (work.flags.settings.contains("model_variant")) {
    return make_error(ErrorCode::usage,
                      "--variant names a model of the manifest, and '{}' is another",
                      printable(source))
        .with_hint("leave one of them out; '--name NAME' says what SOURCE is to be called");
  }
  if (bootstrap::is_fetched(source)) return source;
  if (bootstrap::is_model_path(source) || source == "." || source == "..") {
    return os::absolute_path(source);
  }
  return make_error(ErrorCode::usage, "'{}' is neither a path nor a URL", printable(source))
      .with_hint(
          fmt::format("'runed install --variant {}' installs a model of the manifest; a file or "
                      "directory is named './{}'",
                      printable(source), printable(source)));
}

// A name that config.json gives to another model would lead to that one.
Status check_undeclared(const Work& work, const std::string& name) {
  const auto& declared = work.location.settings.models.value;
  if (std::ranges::find(declared, name, &bootstrap::DeclaredModel::name) == declared.end()) {
    return {};
  }
  return make_error(ErrorCode::usage,
                    "the model cannot be installed as '{}': config.json gives that name to a model",
                    printable(name))
      .with_hint("give it another name with --name NAME");
}

}  // namespace

Status install_own(InstallWork& work) {
  const bootstrap::Paths& paths = work.location.paths;
  bootstrap::OwnModelRequest request = own_request(work);
  TRY_ASSIGN(request.model.source, source_of(work));
  TRY_ASSIGN(const Manifest manifest, manifest_beside(work));
  bootstrap::InstallHooks hooks = work.hooks();
  hooks.inspect = [&work](const std::string& path) { return check_servable(work, path); };
  TRY_ASSIGN(const InstallStep planned, bootstrap::plan_own_model(paths, manifest, request, hooks));
  TRY(check_undeclared(work, planned.variant));
  if (work.flags.export_file.has_value()) TRY(bootstrap::check_exportable({planned}));
  if (work.flags.dry_run) return finish(work, manifest, {planned});
  TRY_ASSIGN(const InstallStep step,
             bootstrap::install_own_model(paths, manifest, request, work.policy(),
                                          work.services.clock, hooks));
  return finish(work, manifest, {step});
}

// What was installed of one's own has a variant's name, and nothing more to be fetched.
Result<std::optional<InstallStep>> find_own(InstallWork& work, const Manifest& manifest) {
  const auto& wanted = work.location.settings.model_variant.value;
  if (!wanted.has_value() || work.flags.engine_only || work.flags.from.has_value() ||
      bootstrap::find_variant(manifest.variants(), *wanted)) {
    return std::nullopt;
  }
  const bootstrap::Paths& paths = work.location.paths;
  const bootstrap::InstallHooks hooks = work.hooks();
  auto step = work.flags.dry_run ? bootstrap::find_own_model(paths, *wanted, hooks)
                                 : bootstrap::keep_own_model(paths, *wanted, own_request(work),
                                                             work.services.clock, hooks);
  if (step) return std::optional(*std::move(step));
  if (step.error().code == ErrorCode::not_found) return std::nullopt;
  return std::move(step).error();
}

}  // namespace runed::cmd
