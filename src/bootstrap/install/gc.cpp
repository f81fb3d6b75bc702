#include "bootstrap/install/gc.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

#include "bootstrap/archive/bundle.hpp"
#include "bootstrap/config/home.hpp"
#include "bootstrap/fetch/partial_file.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/last_used.hpp"
#include "bootstrap/install/llama_server.hpp"
#include "bootstrap/install/own_model.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "bootstrap/use/named_models.hpp"
#include "os/directory/directories.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"
#include "os/file/open_files.hpp"

namespace runed::bootstrap {
namespace {

using Kind = GcItem::Kind;
using std::chrono::nanoseconds;

constexpr nanoseconds kPartialAge = std::chrono::hours(7 * 24);
constexpr nanoseconds kTemporaryAge = std::chrono::hours(1);  // Of what is made without a lock.

/// The search: what may go is added to `items`.
struct Search {
  const Paths& paths;
  const Settings& settings;
  const GcOptions& options;
  nanoseconds now;  // Since 1970.
  const Installed installed;
  std::set<std::string> open_files;
  bool knows_use;  // Of what was installed.
  std::vector<GcItem> items;

  bool is_old(nanoseconds since, nanoseconds least) const {
    return now - since >= std::max(options.older_than.value_or(nanoseconds{0}), least);
  }
  void add(Kind kind, const std::string& path, uint64_t size_bytes, std::string name = {}) {
    if (!os::is_among(open_files, path)) items.push_back({kind, path, std::move(name), size_bytes});
  }

  Status find_variants(const ModelChoice& choice);
  Status find_stale_markers();
  Status find_llama_server();
  Status find_left_overs(const std::string& directory);
};

Result<uint64_t> tree_bytes(const std::string& directory) {
  TRY_ASSIGN(const auto entries, os::list_tree(directory));
  uint64_t bytes = 0;
  for (const auto& entry : entries) bytes += entry.size_bytes;
  return bytes;
}

std::set<std::string> used_variants(const Search& search, const ModelChoice& choice,
                                    const std::vector<std::string>& names) {
  const auto& [paths, settings] = std::tie(search.paths, search.settings);
  std::set<std::string> used{choice.variant, search.options.running_variant,
                             search.installed.model_variant};
  for (const NamedModel& named : named_models(paths, settings)) {
    std::ranges::copy_if(names, std::inserter(used, used.end()),
                         [&](const std::string& name) { return is_named(named, paths, name); });
  }
  for (const std::string& url : {settings.manifest.value, search.installed.manifest_url}) {
    const auto manifest = load_local_manifest(paths, url);
    if (manifest) used.insert(manifest->default_model());
  }
  return used;
}

Status Search::find_variants(const ModelChoice& choice) {
  TRY_ASSIGN(const auto names, installed_variants(paths));
  const std::set<std::string> used = used_variants(*this, choice, names);
  struct Unused {
    std::string name;
    std::string path;
    uint64_t size_bytes = 0;
    nanoseconds needed{};  // When it was last installed or used, since 1970.
  };
  std::vector<Unused> unused;
  for (const std::string& name : names) {
    const std::string path = model_path(paths, name);
    // What was put there by hand cannot be fetched again, and a model of one's own need not be there to be.
    const auto entry = installed.variants.find(name);
    if (entry == installed.variants.end() || entry->second.is_own || used.contains(name)) continue;
    TRY_ASSIGN(const os::FileIdentity file, os::file_identity(path));
    const nanoseconds last_used = find_last_used(paths, name).value_or(nanoseconds{0});
    unused.push_back({name, path, file.size_bytes, std::max(file.changed, last_used)});
  }
  std::ranges::sort(unused, std::ranges::greater{}, &Unused::needed);
  for (size_t i = options.keep; i < unused.size(); ++i) {
    const Unused& each = unused[i];
    if (!is_old(each.needed, nanoseconds{0})) continue;
    add(Kind::variant, each.path, each.size_bytes, each.name);
  }
  return {};
}

// Markers of variants that are neither there nor installed.
Status Search::find_stale_markers() {
  const std::string directory = used_directory(paths);
  const auto names = installed_variants(paths);
  if (!os::exists(directory) || !names) return {};
  TRY_ASSIGN(const auto markers, os::list_directory(directory));
  for (const os::DirectoryEntry& marker : markers) {
    const bool is_there = marker.name == builtin_variant() ||
                          installed.variants.contains(marker.name) ||
                          std::ranges::find(*names, marker.name) != names->end();
    if (is_there || !is_old(marker.modified, nanoseconds{0})) continue;
    add(Kind::last_used, used_marker(paths, marker.name), marker.size_bytes);
  }
  return {};
}

Status Search::find_llama_server() {
  const bool is_used =
      settings.engine.value != EngineKind::native && !settings.llama_server.value.has_value();
  if (is_used || !os::exists(paths.llama_cpp_dir)) return {};
  TRY_ASSIGN(const uint64_t bytes, tree_bytes(paths.llama_cpp_dir));
  TRY_ASSIGN(const os::FileIdentity directory, os::file_identity(paths.llama_cpp_dir));
  if (bytes > 0 && is_old(directory.modified, nanoseconds{0})) {
    add(Kind::llama_server, paths.llama_cpp_dir, bytes);
  }
  return {};
}

Status Search::find_left_overs(const std::string& directory) {
  if (!os::exists(directory)) return {};
  TRY_ASSIGN(const auto entries, os::list_directory(directory));
  const std::set<std::string> manifest_copies{cached_manifest(paths, settings.manifest.value),
                                              cached_manifest(paths, installed.manifest_url)};
  for (const os::DirectoryEntry& entry : entries) {
    const std::string path = directory + "/" + entry.name;
    const std::string& name = entry.name;
    const auto add_if_old = [&](Kind kind, nanoseconds age) -> Status {
      if (!is_old(entry.modified, age)) return {};
      uint64_t bytes = entry.size_bytes;
      if (entry.kind == os::DirectoryEntry::Kind::directory) {
        TRY_ASSIGN(bytes, tree_bytes(path));
      }
      add(kind, path, bytes);
      return {};
    };
    if (is_partial_file(name)) {
      TRY(add_if_old(Kind::partial, kPartialAge));
    } else if (name.starts_with(kStagingPrefix) || name.starts_with(kModelStagingPrefix) ||
               path == llama_server_archive(paths)) {
      TRY(add_if_old(Kind::staging, nanoseconds{0}));  // Made under the lock that gc holds.
    } else if (name.starts_with(kBundlePrefix) || name.starts_with(kEnginePrefix) ||
               os::is_temporary_file(name) || path == paths.builtin_model_copy) {
      TRY(add_if_old(Kind::staging, kTemporaryAge));
    } else if (knows_use && is_cached_manifest(name) && !manifest_copies.contains(path)) {
      TRY(add_if_old(Kind::manifest_copy, nanoseconds{0}));
    } else if (directory == paths.logs_dir && name.find(".log.") != std::string::npos) {
      TRY(add_if_old(Kind::log, nanoseconds{0}));
    }
  }
  return {};
}

}  // namespace

std::string_view name_of(GcItem::Kind kind) {
  switch (kind) {
    case Kind::variant:
      return "variant";
    case Kind::llama_server:
      return "llama_server";
    case Kind::partial:
      return "partial";
    case Kind::staging:
      return "staging";
    case Kind::log:
      return "log";
    case Kind::last_used:
      return "last_used";
    case Kind::manifest_copy:
      break;
  }
  return "manifest_copy";
}

Result<GcPlan> plan_gc(const Paths& paths, const Settings& settings, const GcOptions& options,
                       const Clock& clock) {
  auto installed = Installed::load(paths.installed_file);
  Search search{.paths = paths,
                .settings = settings,
                .options = options,
                .now = clock.system_now().time_since_epoch(),
                .installed = installed.value_or(Installed()),
                .open_files = os::open_files_below(home_directories(paths)),
                .knows_use = installed && options.knows_settings,
                .items = {}};
  std::optional<Error> doubt;
  if (!installed) {
    doubt = installed.error();
  } else if (options.knows_settings) {
    TRY(search.find_llama_server());
    const auto choice = choose_model(paths, settings);
    if (!choice) doubt = choice.error();
    if (choice) TRY(search.find_variants(*choice));
  }
  if (installed) TRY(search.find_stale_markers());
  for (const std::string& directory : home_directories(paths)) {
    // The llama-server's own files may have any name.
    if (directory != paths.llama_cpp_dir) TRY(search.find_left_overs(directory));
  }
  return GcPlan{std::move(search.items), std::move(doubt)};
}

Status collect(const Paths& paths, const std::vector<GcItem>& items) {
  const bool is_installation = std::ranges::any_of(items, [](const GcItem& item) {
    return item.kind == Kind::variant || item.kind == Kind::llama_server;
  });
  Installed installed;
  if (is_installation) {
    TRY_ASSIGN(installed, Installed::load(paths.installed_file));
  }
  Status removed;
  for (const GcItem& item : items) {
    removed = os::remove_tree(item.path);
    if (!removed) break;
    if (item.kind == Kind::variant) {
      static_cast<void>(os::remove_file(used_marker(paths, item.name)).has_value());
      installed.variants.erase(item.name);
      if (installed.model_variant == item.name) {
        installed.model_variant.clear();
        installed.model.reset();
      }
    } else if (item.kind == Kind::llama_server) {
      removed = os::make_missing_directories(paths.llama_cpp_dir);
      installed.llama_server.reset();
      installed.llama_server_files.clear();
    }
  }
  if (is_installation && os::exists(paths.installed_file)) {
    TRY(installed.write(paths.installed_file));
  }
  if (is_installation) Record(paths.record_file).forget_missing();
  return removed;
}

}  // namespace runed::bootstrap
