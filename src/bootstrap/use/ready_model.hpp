#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "bootstrap/fetch/download.hpp"
#include "bootstrap/install/install.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/manifest/manifest.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {

/// A model that is on this machine, and is what it should be.
struct ReadyModel {
  std::string variant;          // In full; empty for a file named by its path.
  std::string path;             // Empty for the model in the executable.
  std::string sha256;           // Of the file; empty for the model in the executable.
  std::string promised_sha256;  // What the file must hash to; empty if nothing says so.
  os::FileIdentity file;  // What the digest is of: another file that takes the path is not it.
  std::vector<PublishedModel> published{};  // By the manifest in force, of any file.
};

/// Checks a chosen model against what was installed, else against the manifest as far as it is on
/// this machine. A file that neither knows is taken as it is. Uses no network. A file whose digest is
/// not known is looked at by `inspect` before it is read.
/// Errors: model_missing if it is not installed; integrity if it is not what was installed;
///         model_corrupt if it does not begin as a GGUF file; those of `inspect`; io.
Result<ReadyModel> check_model(const Paths& paths, const Settings& settings,
                               const ModelChoice& choice, const Watch& watch,
                               const ModelInspector& inspect = {});

/// Returns what the manifest in force says of the models in files, as far as it is on this machine.
std::vector<PublishedModel> published_models(const Paths& paths, const Settings& settings);

/// As check_model, but a variant that is missing or damaged is installed.
/// Errors: those of load_manifest and install.
Result<ReadyModel> ensure_model(const Paths& paths, const Settings& settings,
                                const ModelChoice& choice, const DownloadPolicy& policy,
                                const Clock& clock, const InstallHooks& hooks);

}  // namespace runed::bootstrap
