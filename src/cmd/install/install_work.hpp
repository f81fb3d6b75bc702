#pragma once

#include <vector>

#include "base/result.hpp"
#include "bootstrap/fetch/download_policy.hpp"
#include "bootstrap/install/install.hpp"
#include "bootstrap/manifest/manifest.hpp"
#include "cmd/install.hpp"
#include "cmd/line/location.hpp"
#include "cmd/line/progress.hpp"
#include "cmd/services.hpp"

namespace runed::cmd {

/// What one run of `runed install` works with.
struct InstallWork {
  const InstallFlags& flags;
  Services& services;
  Location location;
  LongWork long_work;

  bootstrap::DownloadPolicy policy() const;
  /// Owns: nothing; this outlives the result.
  bootstrap::InstallHooks hooks();
  /// Whether what is installed becomes the default.
  bootstrap::BecomesDefault becomes_default() const;
};

/// Writes the bundle that was asked for, and tells what was done and what is next.
/// Errors: those of export_bundle.
Status finish(InstallWork& work, const bootstrap::Manifest& manifest,
              const std::vector<bootstrap::InstallStep>& steps);

}  // namespace runed::cmd
