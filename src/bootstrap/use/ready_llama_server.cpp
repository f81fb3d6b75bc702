#include "bootstrap/use/ready_llama_server.hpp"

#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "bootstrap/config/setting_table.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/llama_server.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

std::optional<std::string> find_on_path(const Environment& environment, const std::string& name) {
  const std::string path = find_variable(environment, "PATH").value_or("");
  for (const std::string_view directory : split(path, ':')) {
    // What is relative would depend on where the daemon was started.
    if (!directory.starts_with('/')) continue;
    std::string file = fmt::format("{}/{}", directory, name);
    if (os::is_executable_file(file)) return file;
  }
  return std::nullopt;
}

Result<std::string> find_named(const Settings& settings, const std::string& named,
                               const Environment& environment) {
  const std::string who = describe_named_llama_server(settings).value_or("");
  if (named.find('/') == std::string::npos) {
    if (auto found = find_on_path(environment, named)) return *std::move(found);
    return make_error(ErrorCode::bad_config, "{}, which no directory of PATH has", who)
        .with_hint("write its whole path, or leave it out for an installed one");
  }
  if (os::is_executable_file(named)) return named;
  return make_error(ErrorCode::bad_config, "{}, which is {}", who,
                    os::exists(named) ? "not a file that can be executed" : "not there")
      .with_hint("correct the path, or leave it out for an installed one");
}

// The executable below bin/llama-cpp; the home may have been moved since it was installed.
std::string executable_of(const Paths& paths, const InstalledArtifact& server) {
  constexpr std::string_view kTree = "/bin/llama-cpp/";
  const std::string here = paths.llama_cpp_dir + "/";
  if (server.path.starts_with(here)) return server.path.substr(here.size());
  const size_t tree = server.path.rfind(kTree);
  return tree == std::string::npos ? std::string() : server.path.substr(tree + kTree.size());
}

// What the manifest has for this machine.
Result<LlamaServerArtifact> find_in_manifest(const Manifest& manifest) {
  auto wanted = manifest.llama_server(platform_name());
  if (wanted || wanted.error().code != ErrorCode::not_found) return wanted;
  wanted.error().code = ErrorCode::bad_config;
  return std::move(wanted).error().with_hint(
      "name one with RUNED_LLAMA_SERVER; the package llama.cpp-tools of newer Debians has one");
}

}  // namespace

std::optional<std::string> describe_named_llama_server(const Settings& settings) {
  const auto& [named, origin] = settings.llama_server;
  if (!named.has_value()) return std::nullopt;
  return fmt::format("{} names '{}'", place_of("llama_server", origin), printable(*named));
}

Result<std::string> check_llama_server(const Paths& paths, const Settings& settings,
                                       const Environment& environment, const Watch& watch) {
  if (const auto& named = settings.llama_server.value) {
    return find_named(settings, *named, environment);
  }
  TRY_ASSIGN(const Installed installed, Installed::load(paths.installed_file));
  const auto missing = [] {
    return make_error(ErrorCode::not_found, "no llama-server is installed")
        .with_hint(
            "'runed install --engine-only' fetches one, or name your own with "
            "RUNED_LLAMA_SERVER");
  };
  if (!installed.llama_server.has_value()) return missing();
  // What was installed is good, whatever the manifest has by now: a boot needs no network.
  const LlamaServerArtifact wanted{.artifact = {.sha256 = installed.llama_server->sha256},
                                   .exec = executable_of(paths, *installed.llama_server)};
  std::string executable = paths.llama_cpp_dir + "/" + wanted.exec;
  TRY_ASSIGN(const ArtifactState state,
             inspect_llama_server(paths, wanted, installed, Record(paths.record_file), watch));
  if (state == ArtifactState::missing) return missing();
  if (state == ArtifactState::intact && os::is_executable_file(executable)) return executable;
  return make_error(ErrorCode::integrity, "the llama-server in '{}' is not as it was installed",
                    paths.llama_cpp_dir)
      .with_hint("'runed install --engine-only' fetches it again");
}

Status check_llama_server_source(const Paths& paths, const Settings& settings,
                                 const Environment& environment) {
  if (const auto& named = settings.llama_server.value) {
    TRY(find_named(settings, *named, environment));
    return {};
  }
  TRY_ASSIGN(const Installed installed, Installed::load(paths.installed_file));
  if (installed.llama_server.has_value()) return {};
  const auto manifest = load_local_manifest(paths, settings.manifest.value);
  if (!manifest) return {};  // It is still to be fetched.
  TRY(find_in_manifest(*manifest));
  return {};
}

Result<std::string> ensure_llama_server(const Paths& paths, const Settings& settings,
                                        const Environment& environment,
                                        const DownloadPolicy& policy, const Clock& clock,
                                        const InstallHooks& hooks) {
  auto ready = check_llama_server(paths, settings, environment, hooks.watch);
  if (ready) return ready;
  const ErrorCode code = ready.error().code;
  if (code != ErrorCode::not_found && code != ErrorCode::integrity) return ready;
  const auto fetch = [&]() -> Result<std::string> {
    TRY_ASSIGN(const Manifest manifest,
               load_manifest(paths, settings.manifest.value, policy, hooks.watch));
    TRY_ASSIGN(const LlamaServerArtifact wanted, find_in_manifest(manifest));
    TRY(install(paths, manifest, {.parts = {Part::llama_server}, .variant = {}}, policy, clock,
                hooks));
    return paths.llama_cpp_dir + "/" + wanted.exec;
  };
  if (code == ErrorCode::integrity) hooks.watch.event(ready.error().message);
  auto fetched = fetch();
  if (fetched || code == ErrorCode::not_found || fetched.error().code == ErrorCode::cancelled) {
    return fetched;
  }
  // That it is damaged is what matters, not that it could not be fetched again.
  return std::move(ready).error().with_hint("it cannot be fetched again: " +
                                            fetched.error().message);
}

}  // namespace runed::bootstrap
