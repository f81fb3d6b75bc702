#include "bootstrap/archive/bundle.hpp"

#include <filesystem>
#include <system_error>

#include "base/json.hpp"
#include "bootstrap/archive/tar_writer.hpp"
#include "bootstrap/archive/unpack.hpp"
#include "bootstrap/config/json_document.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/install/install_lock.hpp"
#include "bootstrap/install/llama_server.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "os/directory/directories.hpp"
#include "os/file/files.hpp"
#include "os/file/regular_file.hpp"

namespace runed::bootstrap {
namespace {

constexpr const char* kManifestName = "manifest.json";

std::string model_name(const std::string& variant) {
  return fmt::format("models/{}.gguf", variant);
}

// A bundle vouches for itself; what is known without it, it must not contradict.
Status check_known_models(const Manifest& bundle, const Manifest& known, const std::string& from) {
  for (const std::string& variant : bundle.variants()) {
    const auto expected = known.model(variant);
    const auto found = bundle.model(variant);
    if (!expected || !found || expected->sha256 == found->sha256) continue;
    return make_error(ErrorCode::integrity,
                      "the bundle '{}' has another '{}' than the manifest '{}': SHA-256 {}, not {}",
                      from, variant, display_url(known.source()), found->sha256, expected->sha256)
        .with_hint("a different model needs a name of its own in the manifest");
  }
  return {};
}

Result<Manifest> read_manifest(const Paths& paths, const std::string& directory,
                               const std::string& from, const std::string& configured) {
  const std::string own = directory + "/" + kManifestName;
  TRY_ASSIGN(const Manifest found, load_local_manifest(paths, os::exists(own) ? own : configured));
  for (const std::string& url : {std::string(kBuiltinManifest), configured}) {
    const auto known = load_local_manifest(paths, url);
    if (known) TRY(check_known_models(found, *known, from));
  }
  TRY_ASSIGN(Manifest manifest, Manifest::parse(to_line(found.document()), from));
  manifest.take_files_from(directory);
  return manifest;
}

// What a manifest says of a model that none has.
Json own_entry(const InstallStep& step) {
  return {{"url", step.artifact.url},
          {"sha256", step.artifact.sha256},
          {"size", step.artifact.size_bytes},
          {"own", true}};
}

Json exported_document(const Manifest& manifest, const std::vector<InstallStep>& steps) {
  Json document{{"version", 1}};
  for (const InstallStep& step : steps) {
    const Json& whole = manifest.document();
    if (step.part == Part::model) {
      document["models"][step.variant] =
          step.is_own ? own_entry(step) : whole["models"][step.variant];
      document["default_model"] = step.variant;
    } else {
      const std::string platform(platform_name());
      document["platforms"][platform] = whole["platforms"][platform];
    }
  }
  return document;
}

}  // namespace

Result<Bundle> Bundle::open(const Paths& paths, const std::string& from,
                            const std::string& configured, const Watch& watch) {
  if (!os::exists(from)) {
    return make_error(ErrorCode::not_found, "there is no bundle '{}'", from)
        .with_hint("'runed install --export FILE.tar' writes one on a machine with a network");
  }
  Bundle bundle;
  std::string directory = from;
  std::error_code ignored;
  if (!std::filesystem::is_directory(from, ignored)) {
    if (const std::string fault = os::find_fault_of_kind(from); !fault.empty()) {
      return make_error(ErrorCode::bad_input, "cannot use the bundle '{}': {}", from, fault)
          .with_hint("name the tar that 'runed install --export' wrote, or a directory");
    }
    TRY_ASSIGN(bundle.unpacked_, os::TemporaryDirectory::create(
                                     fmt::format("{}/{}", paths.cache_dir, kBundlePrefix)));
    directory = bundle.unpacked_->path();
    TRY(unpack(from, directory, {}, watch));
  }
  TRY_ASSIGN(Manifest manifest, read_manifest(paths, directory, from, configured));
  bundle.manifest_ = std::move(manifest);
  return bundle;
}

Status check_bundle_place(const std::string& file) {
  const std::string fault = os::find_fault_of_kind(file);
  if (fault.empty()) return {};
  // A rename would put the bundle in its place: of a device, if it is root who runs this.
  return make_error(ErrorCode::io, "cannot write '{}': {}", file, fault)
      .with_hint("name a file that is to be written");
}

Status check_exportable(const std::vector<InstallStep>& steps) {
  for (const InstallStep& step : steps) {
    const bool is_directory =
        step.is_own && (os::is_directory(step.path) || os::is_directory(step.artifact.url));
    if (!is_directory) continue;
    return make_error(ErrorCode::usage, "the model {} is a directory, which no bundle has",
                      step.variant)
        .with_hint("make a file of it with 'runed convert', and install that");
  }
  return {};
}

Status export_bundle(const Paths& paths, const Manifest& manifest,
                     const std::vector<InstallStep>& steps, const std::string& file,
                     const DownloadPolicy& policy, const Watch& watch) {
  TRY(check_exportable(steps));
  TRY_ASSIGN(const os::FileLock lock, acquire_install_lock(paths, watch));
  std::vector<TarEntry> entries;
  entries.push_back({.name = kManifestName,
                     .content_path = {},
                     .content = to_document(exported_document(manifest, steps))});
  for (const InstallStep& step : steps) {
    if (step.part == Part::model) {
      entries.push_back(
          {.name = model_name(step.variant), .content_path = step.path, .content = {}});
      continue;
    }
    const std::string archive = llama_server_archive(paths);
    TRY(download({.urls = step.artifact.sources,
                  .sha256 = step.artifact.sha256,
                  .size_bytes = step.artifact.size_bytes},
                 archive, policy, watch));
    entries.push_back({.name = kBundledLlamaServer, .content_path = archive, .content = {}});
  }
  TRY(write_tar(file, entries, watch));
  return os::remove_file(llama_server_archive(paths));
}

}  // namespace runed::bootstrap
