#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/fetch/download.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "bootstrap/manifest/manifest.hpp"

namespace runed::bootstrap {

/// The URL of the manifest in the executable: the default, unless cmake was given another as
/// RUNED_DEFAULT_MANIFEST_URL.
inline constexpr const char* kBuiltinManifest = "builtin:";

/// Returns where the copy of a manifest that was fetched is kept: one a URL, because another
/// manifest's copy must never stand in for it.
std::string cached_manifest(const Paths& paths, const std::string& url);

/// Tells whether a file of cache/ is such a copy, of any manifest.
bool is_cached_manifest(std::string_view name);

/// Loads the manifest from its URL (https, http, file, a path, or `builtin:`). What a server
/// answered is kept in cache/, and serves when the server cannot be reached.
/// Errors: network if it cannot be fetched and no copy is there; not_found for a file; bad_config
///         for a manifest that cannot be used, or an unknown kind of URL.
Result<Manifest> load_manifest(const Paths& paths, const std::string& url,
                               const DownloadPolicy& policy, const Watch& watch);

/// Loads the manifest if that needs no network: from the executable, a file, or the copy in cache/.
/// Errors: as load_manifest.
Result<Manifest> load_local_manifest(const Paths& paths, const std::string& url);

}  // namespace runed::bootstrap
