#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/client.hpp"
#include "cmd/doctor/finding.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// What the doctor learns of the daemon that runs here, if one does.
struct DaemonLook {
  std::vector<Finding> findings;                // Also of what is named here beside what it has.
  std::optional<client::InfoReport> running{};  // If it can embed.
};
DaemonLook look_at_daemon(const Location& location, const Services& services);

/// Formats which engine computes how, and why that one: `native, int8, avx2: it can serve this model`.
std::string describe_engine(const client::InfoReport& info);

}  // namespace runed::cmd
