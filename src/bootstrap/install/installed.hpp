#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace runed::bootstrap {

/// How what is on disk stands against what it should be.
enum class ArtifactState {
  missing,
  outdated,  // As it was installed, but the manifest has another by now.
  damaged,   // Not as it was installed.
  intact,
};

/// What installed.json says of one artifact.
struct InstalledArtifact {
  std::string url;          // It was fetched from.
  std::string sha256;       // Of what was fetched: the archive, not the executable in it.
  std::string path;         // On disk: the executable, the GGUF, the directory.
  uint64_t size_bytes = 0;  // Of that file, or of all files of that directory.
  bool is_own = false;      // A model of one's own: no manifest decides about it.
  bool is_reranker = false;  // It gives scores, and is nothing to embed with.
};

/// installed.json: what is installed, and what it must look like. The fields above the blank line
/// are the predecessor's, and other programs read them.
struct Installed {
  std::string manifest_url;  // That the default model came from, or, without one, what came last.
  int manifest_version = 1;
  std::string platform;
  std::string
      installed_at;  // RFC 3339 in UTC, whole seconds; when one of them was last found right.
  std::string model_variant;  // The default: what is served where none is named.
  std::optional<InstalledArtifact> llama_server;
  std::optional<InstalledArtifact> model;  // The default.

  std::map<std::string, InstalledArtifact> variants;      // Every model installed.
  std::map<std::string, std::string> llama_server_files;  // As digest_llama_server tells them.

  /// Loads the file; one that is not there is empty. What was chosen, and what its files must hash
  /// to, stands nowhere else, so a file that cannot be read is not taken for an empty one.
  /// Errors: bad_config if it is damaged; permission_denied, io.
  static Result<Installed> load(const std::string& path);

  /// The same for who writes it anew, after everything on disk was compared with the manifest: one
  /// that cannot be loaded is as good as empty.
  static Installed load_or_empty(const std::string& path);

  /// Errors: io.
  Status write(const std::string& path) const;
};

}  // namespace runed::bootstrap
