#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/fetch/download.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/manifest/manifest.hpp"

namespace runed::bootstrap {

/// What marks a directory next to bin/llama-cpp in which a llama-server is being unpacked.
inline constexpr std::string_view kStagingPrefix = ".llama-cpp-";

/// Digests everything below bin/llama-cpp but the marker: path below it, and SHA-256 of a file or
/// `-> <target>` of a link.
/// Errors: io, not_found; cancelled.
Result<std::map<std::string, std::string>> digest_llama_server(const Paths& paths,
                                                               const Record& record,
                                                               Reading reading, const Watch& watch);

/// Compares what is installed with the manifest and with the digests that were taken when it was
/// unpacked.
/// Errors: cancelled.
Result<ArtifactState> inspect_llama_server(const Paths& paths, const LlamaServerArtifact& wanted,
                                           const Installed& installed, const Record& record,
                                           const Watch& watch);

/// A llama-server that was just put in place.
struct InstalledLlamaServer {
  InstalledArtifact artifact;
  std::map<std::string, std::string> files;  // Path below bin/llama-cpp: SHA-256.
  uint64_t bytes_received = 0;
};

/// Fetches, unpacks beside bin/llama-cpp, and swaps the whole tree in. What runs from the old tree
/// goes on running.
/// Needs:  install.lock.
/// Errors: those of download and unpack; integrity if the archive lacks the executable.
Result<InstalledLlamaServer> install_llama_server(const Paths& paths,
                                                  const LlamaServerArtifact& wanted,
                                                  const DownloadPolicy& policy, const Watch& watch);

/// Returns where the archive is kept while it is needed.
std::string llama_server_archive(const Paths& paths);

}  // namespace runed::bootstrap
