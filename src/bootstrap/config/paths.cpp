#include "bootstrap/config/paths.hpp"

#include "os/file/files.hpp"
#include "os/process/process.hpp"

namespace runed::bootstrap {
namespace {

Result<std::string> find_home(const Environment& environment,
                              const std::optional<std::string>& flag) {
  if (flag.has_value()) {
    if (!flag->empty()) return *flag;
    return make_error(ErrorCode::usage, "--home: the value is empty")
        .with_hint("give a directory, or leave the flag out");
  }
  if (const auto home = find_variable(environment, "RUNED_HOME")) return *home;
  if (const auto user_home = find_variable(environment, "HOME")) return *user_home + "/.runed";
  TRY_ASSIGN(const std::string user_home, os::home_directory());
  return user_home + "/.runed";
}

}  // namespace

Result<Paths> resolve_paths(const Environment& environment,
                            const std::optional<std::string>& home_flag,
                            const std::optional<std::string>& socket_override) {
  TRY_ASSIGN(const std::string named, find_home(environment, home_flag));
  const std::string home = os::absolute_path(expand_home(environment, named));
  const std::string logs_dir = home + "/logs";
  return Paths{
      .home = home,
      .socket = os::absolute_path(socket_override.value_or(home + "/embedding.sock")),
      .daemon_lock = home + "/daemon.lock",
      .spawn_lock = home + "/spawn.lock",
      .install_lock = home + "/install.lock",
      .config_file = os::absolute_path(expand_home(
          environment, find_variable(environment, "RUNED_CONFIG").value_or(home + "/config.json"))),
      .installed_file = home + "/installed.json",
      .record_file = home + "/cache/record.json",
      .bin_dir = home + "/bin",
      .llama_cpp_dir = home + "/bin/llama-cpp",
      .models_dir = home + "/models",
      .logs_dir = logs_dir,
      .cache_dir = home + "/cache",
      .licenses_dir = home + "/licenses",
      .daemon_log = logs_dir + "/daemon.log",
      .llama_server_log = logs_dir + "/llama-server.log",
      .llama_server_socket = home + "/llama-server.sock",
      .builtin_model_copy = home + "/cache/builtin.gguf",
      .centroids = home + "/cache/centroids.bin",
      .dead_daemon = home + "/cache/dead_daemon.json",
      .last_daemon = home + "/cache/daemon.json",
  };
}

}  // namespace runed::bootstrap
