#include "cmd/line/location.hpp"

#include "bootstrap/config/daemon_lock.hpp"
#include "bootstrap/config/home.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/setting_flags.hpp"
#include "os/file/files.hpp"
#include "os/net/socket_path.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {

void add_location_flags(FlagSet& set, LocationFlags& flags) {
  const bootstrap::SettingRow& home = bootstrap::row_of("home");
  set.add_option(home.flag, flags.home, describe_flag(home)).type_name(home.flag_value);
  const bootstrap::SettingRow& socket = bootstrap::row_of("socket");
  set.add_option(socket.flag, flags.socket, describe_flag(socket)).type_name(socket.flag_value);
}

Result<Location> locate(const LocationFlags& location, bootstrap::SettingFlags flags,
                        const Services& services, HomeUse use) {
  Location found;
  TRY_ASSIGN(found.paths,
             bootstrap::resolve_paths(services.environment, location.home, location.socket));
  // Before config.json is read, which may name what is to be run.
  if (use == HomeUse::change) TRY(bootstrap::check_directories(found.paths));
  if (location.socket.has_value()) flags["socket"] = *location.socket;
  TRY_ASSIGN(found.settings, bootstrap::load_settings(found.paths, services.environment, flags));
  found.paths.socket = found.settings.socket.value;
  return found;
}

Result<LocationFound> locate_anyway(const LocationFlags& location, const Services& services,
                                    HomeUse use) {
  LocationFound found;
  bootstrap::Paths& paths = found.location.paths;
  TRY_ASSIGN(paths, bootstrap::resolve_paths(services.environment, location.home, location.socket));
  if (use == HomeUse::change) TRY(bootstrap::check_directories(paths));
  bootstrap::SettingFlags flags;
  if (location.socket.has_value()) flags["socket"] = *location.socket;
  auto [settings, faults] = bootstrap::find_settings(paths, services.environment, flags);
  for (const Error& fault : faults) {
    if (fault.code == ErrorCode::usage) return fault;
  }
  paths.socket = settings.socket.value;
  if (!faults.empty() && settings.socket.origin == bootstrap::Origin::default_value) {
    const auto holder =
        bootstrap::find_daemon_elsewhere(paths.daemon_lock, os::resolve_socket_path(paths.socket));
    if (holder.has_value()) paths.socket = holder->socket;
  }
  found.location.settings = std::move(settings);
  found.faults = std::move(faults);
  return found;
}

Status check_runed_binary(const bootstrap::Settings& settings) {
  const auto& [binary, origin] = settings.runed_binary;
  if (!binary.has_value() || os::is_executable_file(*binary)) return {};
  return make_error(ErrorCode::bad_config, "cannot start '{}': it is no file that can be executed",
                    *binary)
      .with_hint(fmt::format("{} names it: correct the path, or leave it out",
                             bootstrap::place_of("runed_binary", origin)));
}

Result<client::DaemonLocation> daemon_location(const Location& location) {
  client::DaemonLocation daemon{
      .home = location.paths.home,
      .socket_path = os::resolve_socket_path(location.paths.socket),
      .spawn_lock = location.paths.spawn_lock,
      .daemon_lock = location.paths.daemon_lock,
      .log_path = location.paths.daemon_log,
      .arguments = {},
  };
  std::string executable;
  if (location.settings.runed_binary.value.has_value()) {
    executable = *location.settings.runed_binary.value;
  } else {
    TRY_ASSIGN(executable, os::executable_path());
  }
  daemon.arguments = {executable, "serve", "--home", location.paths.home};
  if (location.settings.socket.origin == bootstrap::Origin::flag) {
    daemon.arguments.insert(daemon.arguments.end(), {"--socket", location.paths.socket});
  }
  return daemon;
}

}  // namespace runed::cmd
