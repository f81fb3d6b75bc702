#pragma once

#include <vector>

#include "cmd/finding.hpp"
#include "cmd/location.hpp"

namespace runed::cmd {

/// Looks at the daemon that runs here, if one does, and at what is named here beside what it has.
std::vector<Finding> check_daemon(const Location& location, const Services& services);

}  // namespace runed::cmd
