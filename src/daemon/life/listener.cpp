#include "daemon/life/listener.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "os/net/poll.hpp"
#include "os/process/process.hpp"

namespace runed::daemon {
namespace {

using std::chrono::milliseconds;

// How often the path is compared with the socket that was bound.
constexpr milliseconds kOwnershipInterval{1000};
constexpr milliseconds kAcceptBackoff{100};
constexpr int kMostInTurn = 64;  // Of one socket's connections, before others are looked at.

int fd_of(const ListeningSocket& socket) {
  return std::visit([](const auto& listening) { return listening.fd(); }, socket);
}

std::string name_of_socket(const ListeningSocket& socket) {
  if (const auto* tcp = std::get_if<os::TcpListener>(&socket)) return to_string(tcp->address());
  return std::get<os::UnixListener>(socket).path();
}

}  // namespace

Listener::Listener(std::vector<ListeningSocket> sockets, std::vector<Frontend*> frontends,
                   Callbacks callbacks, const Clock& clock, Log& log)
    : sockets_(std::move(sockets)),
      callbacks_(std::move(callbacks)),
      clock_(clock),
      log_(log),
      pending_(std::move(frontends), clock, log) {
  for (const ListeningSocket& socket : sockets_) {
    CHECK(std::holds_alternative<os::UnixListener>(socket) || callbacks_.admits_tcp_peer);
  }
  thread_ = std::thread([this] { run(); });
}

Listener::~Listener() {
  close();
}

void Listener::close() {
  if (!thread_.joinable()) return;
  stop_.notify();
  thread_.join();
  pending_.close();
  for (ListeningSocket& socket : sockets_) {
    std::visit([](auto& listening) { listening.close(); }, socket);
  }
}

void Listener::run() {
  while (true) {
    wait();
    if (os::wait_readable(stop_.fd(), milliseconds(0))) return;
    accept_all();
    pending_.look();
    if (!is_evicted_) check_paths();
  }
}

// For whatever comes first: a peer, a stop, or the time at which something is to be done without one.
void Listener::wait() {
  const SteadyTime now = clock_.steady_now();
  if (accept_again_.has_value() && *accept_again_ <= now) accept_again_.reset();
  milliseconds timeout = kOwnershipInterval;
  if (accept_again_.has_value()) {
    timeout = std::min(timeout, std::chrono::ceil<milliseconds>(*accept_again_ - now));
  }
  if (const auto left = pending_.time_left()) timeout = std::min(timeout, *left);
  std::vector<int> fds{stop_.fd()};
  if (!accept_again_.has_value() && pending_.has_room()) {
    for (const ListeningSocket& socket : sockets_) fds.push_back(fd_of(socket));
  }
  pending_.append_fds(fds);
  os::wait_readable(fds, timeout);
}

void Listener::accept_all() {
  for (ListeningSocket& socket : sockets_) accept_some(socket);
}

void Listener::accept_some(ListeningSocket& socket) {
  for (int taken = 0; taken < kMostInTurn; ++taken) {
    if (accept_again_.has_value() || !pending_.has_room()) return;
    auto accepted = std::visit([](auto& listening) { return listening.accept(); }, socket);
    if (!accepted) {
      log_.warn("cannot accept a connection", {{"error", accepted.error().message}});
      // Out of descriptors, most likely: the connection still waits, so do not spin on it.
      accept_again_ = clock_.steady_now() + kAcceptBackoff;
      return;
    }
    if (!accepted->has_value()) return;
    os::Fd connection = std::move(**accepted);
    if (admits(socket, connection)) pending_.add(std::move(connection), name_of_socket(socket));
  }
}

bool Listener::admits(const ListeningSocket& socket, const os::Fd& connection) {
  if (std::holds_alternative<os::TcpListener>(socket)) {
    return callbacks_.admits_tcp_peer(connection.get());
  }
  const auto peer = os::peer_credentials(connection.get());
  if (peer && (peer->uid == os::user_id() || peer->uid == 0)) return true;
  log_.warn("connection of another user refused",
            {{"reason", name_of(ErrorCode::peer_refused)}, {"uid", peer ? peer->uid : 0}});
  return false;
}

void Listener::check_paths() {
  for (const ListeningSocket& socket : sockets_) {
    const auto* listening = std::get_if<os::UnixListener>(&socket);
    if (listening == nullptr || listening->still_owned()) continue;
    is_evicted_ = true;
    log_.warn("socket no longer owned by this daemon; self-evicting",
              {{"socket", listening->path()}});
    callbacks_.on_evicted();
    return;
  }
}

}  // namespace runed::daemon
