#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"

namespace runed::bootstrap {

struct GcOptions {
  size_t keep = 0;  // Variants to keep beside those in use, those needed last first.
  // Only what has not changed for so long, and of variants what was not used for so long.
  std::optional<std::chrono::nanoseconds> older_than{};
  std::string running_variant{};                         // Of the daemon; empty: none runs.
  bool knows_settings = true;                            // False: what is used cannot be told.
};

/// One thing that can go.
struct GcItem {
  enum class Kind { variant, llama_server, partial, staging, log, last_used, manifest_copy };

  Kind kind = Kind::staging;
  std::string path;  // A file, or a tree.
  std::string name;  // Of a variant.
  uint64_t size_bytes = 0;
};

/// Returns `variant`, `llama_server`, `partial`, `staging`, `log`, `last_used` or `manifest_copy`.
std::string_view name_of(GcItem::Kind kind);

/// What can go, and why it is not known of variants, where that is so: then none of them goes.
struct GcPlan {
  std::vector<GcItem> items;
  std::optional<Error> doubt;
};

/// Finds what nobody needs: variants and a llama-server that were installed and that neither the
/// settings and config.json, nor the default of the manifest, nor the running daemon use; partial files that nobody went on with for a week;
/// what a process that was killed left behind, or a llama-server that ended; rotated logs; copies of manifests that are no longer
/// configured; markers of last use (last_used.hpp) whose variants are gone. Never a file that a process has open.
/// Where settings, installed.json or the choice of a model are broken, what may be in use by them
/// stays, and the rest is found all the same.
/// Errors: io.
Result<GcPlan> plan_gc(const Paths& paths, const Settings& settings, const GcOptions& options,
                       const Clock& clock);

/// Removes the items, and what installed.json and the record of digests have of them.
/// Needs:  install.lock.
/// Errors: io, with what comes before the item removed.
Status collect(const Paths& paths, const std::vector<GcItem>& items);

}  // namespace runed::bootstrap
