#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/fetch/download_policy.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/manifest/manifest.hpp"

namespace runed::bootstrap {

enum class Part { llama_server, model };

/// Returns `llama_server` or `model`.
std::string_view name_of(Part part);

/// Whether a variant that is installed becomes the default: the one served where none is named.
enum class BecomesDefault {
  never,
  if_first,  // Where there is none yet: of what a script or a daemon installs.
  always,    // Of what somebody has asked for as such.
};

/// What is to be installed.
struct InstallRequest {
  std::vector<Part> parts;
  std::string variant;           // In full or its last part; empty: the manifest's default.
  std::string manifest_url{};    // To be remembered in installed.json; empty: the manifest's own.
  BecomesDefault becomes_default = BecomesDefault::if_first;
};

/// One thing to install, and how it stands.
struct InstallStep {
  Part part = Part::model;
  std::string variant;  // Of a model.
  Artifact artifact;    // As the manifest has it.
  std::string path;     // Of the model, or the directory of the llama-server.
  ArtifactState state = ArtifactState::missing;
  bool is_own = false;          // A model that no manifest has.
  uint64_t bytes_received = 0;  // Once it has been installed; so are the next two, of a model.
  std::string
      default_before{};  // What was served where none is named; empty: nothing was recorded.
  std::string default_now{};
};

/// Returns `missing`, `outdated`, `damaged` or `intact`.
std::string_view name_of(ArtifactState state);

enum class Activity { checking, fetching };

/// How an installation is followed.
struct InstallHooks {
  Watch watch;
  // Told what is begun, with the variant of a model; may be empty.
  std::function<void(Activity, Part, const std::string& variant)> on_activity;
  ModelInspector inspect{};  // Of a model that is there already; may be empty.
};

/// Finds out what would have to be done; changes nothing on disk but the record of digests.
/// Errors: those of the manifest; cancelled.
Result<std::vector<InstallStep>> plan_install(const Paths& paths, const Manifest& manifest,
                                              const InstallRequest& request,
                                              const InstallHooks& hooks);

/// Makes what is asked for present and intact, under install.lock: licences first, then each part,
/// then installed.json, which is told as an event if it cannot be written. Does nothing to what is
/// intact. Returns the steps with the state that each
/// was found in.
/// Errors: those of acquire_install_lock, download, unpack and the manifest; io; cancelled, with
///         partial files kept.
Result<std::vector<InstallStep>> install(const Paths& paths, const Manifest& manifest,
                                         const InstallRequest& request,
                                         const DownloadPolicy& policy, const Clock& clock,
                                         const InstallHooks& hooks);

/// Notes a model in what is installed, and as the default if that is asked for. A reranker never
/// becomes it: it makes no vectors.
void note_model(const InstalledArtifact& model, BecomesDefault request, InstallStep& step,
                Installed& installed);

/// Writes installed.json with a step that was just done. That it cannot be written is told as an event.
void write_installed(const Paths& paths, const InstallStep& step, const std::string& manifest_url,
                     const Clock& clock, const Watch& watch, Installed& installed);

}  // namespace runed::bootstrap
