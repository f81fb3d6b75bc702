#pragma once

#include <string>

#include "base/result.hpp"
#include "cmd/line/location.hpp"
#include "cmd/services.hpp"

namespace runed::cmd {

/// Asks the daemon of this home, whatever socket it has, which variant it serves. Empty: none runs, or
/// it serves a file.
/// Errors: as Client::connect, but for the lack of a daemon.
Result<std::string> find_running_variant(const Location& location, const Services& services);

}  // namespace runed::cmd
