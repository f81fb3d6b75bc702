#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "bootstrap/manifest/manifest.hpp"

namespace runed::bootstrap {

/// One thing that was checked: one line of `runed verify`.
struct Check {
  enum class Outcome {
    passed,
    failed,
    unknown,  // There is nothing to compare it with.
  };

  std::string name;     // `model`, `llama_server`, `licenses`, `permissions`, …
  std::string subject;  // What: a variant, a path.
  Outcome outcome = Outcome::passed;
  std::string detail;  // For people.
  bool can_be_fixed = false;  // One that failed: by installing it again, or by repair_files.
};

/// Returns `passed`, `failed` or `unknown`.
std::string_view name_of(Check::Outcome outcome);

/// Reads everything installed again and compares it with installed.json and, where it is not null,
/// the manifest: digests of models and of every file of the llama-server, licences, and that no
/// other user may write to a file that counts.
/// Needs:  check_directories has passed: what was computed is recorded in the home.
/// Errors: cancelled; io. A mismatch is a check that failed.
Result<std::vector<Check>> verify_files(const Paths& paths, const Manifest* manifest,
                                        const Watch& watch);

/// Corrects what needs no fetching: takes write access to files from others, and restores licences.
/// Needs:  install.lock.
Status repair_files(const Paths& paths);

}  // namespace runed::bootstrap
