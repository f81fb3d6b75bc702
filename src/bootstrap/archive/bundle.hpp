#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/fetch/download.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "bootstrap/install/install.hpp"
#include "bootstrap/manifest/manifest.hpp"
#include "os/directory/directories.hpp"

namespace runed::bootstrap {

/// What begins the name of a directory in cache/ that a bundle is unpacked into.
inline constexpr std::string_view kBundlePrefix = "bundle-";

/// What was exported from one machine to be installed on another that has no network: a directory
/// or a tar with manifest.json, models/<variant>.gguf and llama-server.tar.gz. What it holds is
/// checked against the digests in its manifest, as if it had been fetched.
class Bundle {
 public:
  /// Opens a directory, or unpacks a tar into cache/. A directory without a manifest.json is used
  /// with `configured`, and may then also hold files under the names that they are fetched by.
  /// Errors: not_found; bad_config for its manifest; those of unpack; integrity if it promises other
  ///         bytes for a variant than the manifest in the executable.
  static Result<Bundle> open(const Paths& paths, const std::string& from,
                             const std::string& configured, const Watch& watch);

  /// The manifest, which takes its artifacts from the bundle.
  const Manifest& manifest() const { return *manifest_; }

 private:
  Bundle() = default;

  std::optional<Manifest> manifest_;
  std::optional<os::TemporaryDirectory> unpacked_;  // None for a directory of the user's.
};

/// Checks that a bundle can be written there: nothing is there yet, or a regular file.
/// Errors: io.
Status check_bundle_place(const std::string& file);

/// Refuses what a bundle cannot carry.
/// Errors: usage for a model that is a directory.
Status check_exportable(const std::vector<InstallStep>& steps);

/// Writes what was installed in `steps` as a tar, and fetches the archive of the llama-server for
/// it again if it is not there any more.
/// Errors: io; those of download and check_exportable.
Status export_bundle(const Paths& paths, const Manifest& manifest,
                     const std::vector<InstallStep>& steps, const std::string& file,
                     const DownloadPolicy& policy, const Watch& watch);

}  // namespace runed::bootstrap
