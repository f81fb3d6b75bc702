#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "bootstrap/config/environment.hpp"

namespace runed::bootstrap {

/// What begins the name of a directory in cache/ that a llama-server works in which is not the
/// daemon's.
inline constexpr std::string_view kEnginePrefix = "engine-";

/// Where everything is on disk; all absolute. The layout is the predecessor's.
struct Paths {
  std::string home;            // RUNED_HOME.
  std::string socket;          // As configured; os::resolve_socket_path tells where it really is.
  std::string daemon_lock;     // Held for the life of the daemon.
  std::string spawn_lock;      // Held by the client that starts one.
  std::string install_lock;    // Held while artifacts are changed.
  std::string config_file;     // config.json, unless RUNED_CONFIG names another.
  std::string installed_file;  // installed.json.
  std::string record_file;     // Digests of files that were verified.
  std::string bin_dir;
  std::string llama_cpp_dir;  // bin/llama-cpp.
  std::string models_dir;     // <variant>.gguf.
  std::string logs_dir;
  std::string cache_dir;
  std::string licenses_dir;
  std::string daemon_log;           // What a daemon that a client started prints.
  std::string llama_server_log;     // What the daemon's llama-server prints.
  std::string llama_server_socket;  // Where it listens; as `socket`.
  std::string builtin_model_copy;   // What it reads the model in the executable from.
  std::string centroids;            // The set that SetCentroids sent last.
  std::string dead_daemon;          // The one before, if it died.
  std::string last_daemon;  // What a daemon that runs, or has died, was told; see LastDaemon.
};

/// Lays the paths out under the home: the flag's, or RUNED_HOME, or `$HOME/.runed`. The socket is
/// `socket_override` or `<home>/embedding.sock`. Relative ones are taken from the working
/// directory.
/// Errors: not_found if there is no home directory to start from; usage for an empty flag.
Result<Paths> resolve_paths(const Environment& environment,
                            const std::optional<std::string>& home_flag,
                            const std::optional<std::string>& socket_override = std::nullopt);

}  // namespace runed::bootstrap
