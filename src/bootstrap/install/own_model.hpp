#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/fetch/download_policy.hpp"
#include "bootstrap/install/install.hpp"
#include "bootstrap/manifest/manifest.hpp"

namespace runed::bootstrap {

/// What marks a directory in models/ into which a model is being copied.
inline constexpr std::string_view kModelStagingPrefix = ".model-";

/// A model of one's own, which no manifest has.
struct OwnModel {
  std::string source;  // An https or http URL, or the absolute path of a GGUF file or a directory.
  std::string name{};  // To be installed under; empty: as the source is called.
  std::string
      sha256{};  // What it must hash to, 64 hex digits in any case; empty: whatever it does.
};

/// How it is installed.
struct OwnModelRequest {
  OwnModel model;
  std::string manifest_url{};  // That is configured, to be remembered with a new default.
  BecomesDefault becomes_default = BecomesDefault::if_first;
};

/// Tells whether a source is fetched; else it is a path.
bool is_fetched(std::string_view source);

/// Finds out what would have to be done; changes nothing on disk but the record of digests. What is
/// at a URL is not looked at.
/// Errors: as install_own_model.
Result<InstallStep> plan_own_model(const Paths& paths, const Manifest& manifest,
                                   const OwnModelRequest& request, const InstallHooks& hooks);

/// Takes a model into the home, as a copy that nothing done to its source changes, under
/// install.lock. Its header is looked at first, and of what is fetched before it gets its name:
/// by recognise_model, then by `hooks.inspect`. What is refused leaves nothing. Does nothing to what is
/// there and intact.
/// Errors: usage for a source or a name that cannot be one, and for a name that is taken;
///         model_missing for a path with nothing at it; those of the model file and recognise_model;
///         integrity if it does not have the digest that was given; those of download and
///         acquire_install_lock; io; cancelled.
Result<InstallStep> install_own_model(const Paths& paths, const Manifest& manifest,
                                      const OwnModelRequest& request, const DownloadPolicy& policy,
                                      const Clock& clock, const InstallHooks& hooks);

/// Finds a model of one's own that was installed, in full or by the last part of its name.
/// Errors: not_found if there is none of this name; integrity if it is not as it was installed;
///         cancelled.
Result<InstallStep> find_own_model(const Paths& paths, const std::string& name,
                                   const InstallHooks& hooks);

/// The same, and makes it the default if that is asked for.
/// Errors: also those of acquire_install_lock.
Result<InstallStep> keep_own_model(const Paths& paths, const std::string& name,
                                   const OwnModelRequest& request, const Clock& clock,
                                   const InstallHooks& hooks);

/// Says how a model of one's own is had again: `'runed install '/m/x.gguf' --name x' takes it again`.
std::string advise_taking_again(const std::string& variant, const InstalledArtifact& model);

}  // namespace runed::bootstrap
