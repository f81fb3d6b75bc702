#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace runed::embed::llama_server {

/// What one build of llama-server can do, as it says itself.
struct ServerFeatures {
  std::string version;                       // `0.7.0 (build 11669, commit Debian)`.
  std::set<std::string, std::less<>> flags;  // Every option that its help names: `--kv-unified`.
  bool has_unix_sockets = false;             // Whether `--host` takes the path of one.
  bool has_log_levels = false;               // Whether `--log-verbosity` 2 means warnings; in older
                                             // builds it means everything.
  std::vector<std::string> devices;          // GPUs that it can use: `CUDA0: NVIDIA …`.
  bool has_gpu = false;

  bool has(std::string_view flag) const { return flags.contains(flag); }
};

/// Asks a llama-server for its help, version and devices. Takes as long as it takes to load its
/// libraries, three times.
/// Errors: not_found, permission_denied; bad_config if it is not a llama-server.
Result<ServerFeatures> read_features(const std::string& executable);

/// What the texts of `--help`, `--version` and `--list-devices` say.
ServerFeatures parse_features(std::string_view help, std::string_view version,
                              std::string_view devices);

}  // namespace runed::embed::llama_server
