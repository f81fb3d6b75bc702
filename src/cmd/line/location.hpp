#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "client/daemon_starter.hpp"
#include "cmd/services.hpp"

namespace runed::cmd {

class FlagSet;

/// The flags that every command has: which daemon is meant.
struct LocationFlags {
  std::optional<std::string> home;
  std::optional<std::string> socket;
};
void add_location_flags(FlagSet& set, LocationFlags& flags);

/// Where this command finds everything, and what is configured there.
struct Location {
  bootstrap::Paths paths;
  bootstrap::Settings settings;
};

/// What a command does with the home.
enum class HomeUse {
  look,    // It creates nothing there, and runs nothing from there.
  change,  // It may, so the home must pass bootstrap::check_directories.
};

/// Resolves flags, environment and config.json. `flags` carries what a command adds to the two.
Result<Location> locate(const LocationFlags& location, bootstrap::SettingFlags flags,
                        const Services& services, HomeUse use = HomeUse::change);

/// A location, and what is wrong with its settings: each such setting has its default.
struct LocationFound {
  Location location;
  std::vector<Error> faults;
};

/// The same for a command that must work whatever is wrong with environment and config.json. Where
/// these may have named the socket, it is that of the daemon that holds the home's lock.
/// Errors: usage, for a flag; permission_denied.
Result<LocationFound> locate_anyway(const LocationFlags& location, const Services& services,
                                    HomeUse use);

/// Checks that what config.json names as the daemon is a program.
/// Errors: bad_config.
Status check_runed_binary(const bootstrap::Settings& settings);

/// Says how the daemon of this location is reached and started.
Result<client::DaemonLocation> daemon_location(const Location& location);

}  // namespace runed::cmd
