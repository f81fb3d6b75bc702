#include "bootstrap/manifest/manifest_source.hpp"

#include "base/sha256.hpp"
#include "bootstrap/fetch/fetch_text.hpp"
#include "bootstrap/fetch/http.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/manifest/resources.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr std::string_view kCopyPrefix = "manifest-";
constexpr size_t kMostBytes = size_t{1} << 20;

bool is_remote(const std::string& url) {
  const auto kind = kind_of_url(url);
  return kind && *kind != UrlKind::file;
}

// A manifest that is too large is wrong, as one that cannot be parsed.
Result<Manifest> parse(Result<std::string> text, const std::string& url) {
  if (text) return Manifest::parse(*text, url);
  if (text.error().code == ErrorCode::bad_input) text.error().code = ErrorCode::bad_config;
  return std::move(text).error();
}

Result<Manifest> fetch(const Paths& paths, const std::string& url, const DownloadPolicy& policy,
                       const Watch& watch) {
  if (kind_of_url(url) == UrlKind::http) {
    watch.event(fmt::format(
        "the manifest comes over http: whoever is on the way can change which files are trusted; "
        "use https for '{}'",
        display_url(url)));
  }
  auto text = fetch_text(url, kMostBytes, policy, watch);
  if (!text && text.error().hint == kWrongUrlHint) {
    text.error().hint =
        "the URL is named by --manifest, RUNED_MANIFEST or config.json: check it there";
  }
  TRY_ASSIGN(Manifest manifest, parse(text, url));
  if (!os::exists(paths.cache_dir)) return manifest;  // Nothing was ever installed here.
  if (Status kept = os::write_file_atomically(cached_manifest(paths, url), *text, 0600); !kept) {
    watch.event(fmt::format("cannot keep a copy of the manifest: {}", kept.error().message));
  }
  return manifest;
}

}  // namespace

std::string cached_manifest(const Paths& paths, const std::string& url) {
  return fmt::format("{}/{}{}.json", paths.cache_dir, kCopyPrefix, sha256_hex(url).substr(0, 16));
}

bool is_cached_manifest(std::string_view name) {
  return name.starts_with(kCopyPrefix);
}

Result<Manifest> load_local_manifest(const Paths& paths, const std::string& url) {
  if (url.starts_with(kBuiltinManifest)) {
    return Manifest::parse(builtin_manifest(), kBuiltinManifest);
  }
  const auto kind = kind_of_url(url);
  if (kind) {
    const std::string path =
        *kind == UrlKind::file ? path_of_file_url(url) : cached_manifest(paths, url);
    auto text = os::read_file(path, kMostBytes);
    if (text) return parse(std::move(text), url);
    return make_error(ErrorCode::bad_config, "cannot use the manifest '{}': {}", display_url(url),
                      text.error().message)
        .with_hint("it is named by --manifest, RUNED_MANIFEST or config.json");
  }
  return make_error(ErrorCode::bad_config, "cannot use the manifest '{}': unknown kind of URL",
                    display_url(url))
      .with_hint("use https://, http://, the path of a file, or 'builtin:'");
}

Result<Manifest> load_manifest(const Paths& paths, const std::string& url,
                               const DownloadPolicy& policy, const Watch& watch) {
  if (!is_remote(url)) return load_local_manifest(paths, url);
  auto manifest = fetch(paths, url, policy, watch);
  if (manifest || manifest.error().code != ErrorCode::network) return manifest;
  auto copy = load_local_manifest(paths, url);
  if (!copy) return manifest;
  watch.event(fmt::format("{}; going on with the copy of it that was fetched before",
                          manifest.error().message));
  return copy;
}

}  // namespace runed::bootstrap
