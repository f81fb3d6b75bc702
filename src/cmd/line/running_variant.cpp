#include "cmd/line/running_variant.hpp"

#include "bootstrap/config/daemon_lock.hpp"
#include "client/client.hpp"

namespace runed::cmd {

Result<std::string> find_running_variant(const Location& location, const Services& services) {
  TRY_ASSIGN(auto daemon, daemon_location(location));
  if (auto holder = bootstrap::find_daemon_elsewhere(daemon.daemon_lock, daemon.socket_path)) {
    daemon.socket_path = std::move(holder->socket);  // It is the daemon of this home all the same.
  }
  auto client = client::Client::connect(
      {.daemon = daemon, .on_loading = {}, .on_stuck = services.end_process});
  if (!client) {
    const ErrorCode code = client.error().code;
    if (code == ErrorCode::not_found || code == ErrorCode::unavailable) return std::string();
    return std::move(client).error();
  }
  TRY_ASSIGN(const auto info, client->info());
  return info.variant;
}

}  // namespace runed::cmd
