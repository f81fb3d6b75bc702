#include "daemon/life/listener.hpp"

#include <array>
#include <chrono>
#include <utility>

#include "os/net/poll.hpp"
#include "os/process/process.hpp"

namespace runed::daemon {
namespace {

// How often the path is compared with the socket that was bound.
constexpr std::chrono::milliseconds kOwnershipInterval{1000};
constexpr std::chrono::milliseconds kAcceptBackoff{100};

}  // namespace

Listener::Listener(os::UnixListener socket, Log& log, Callbacks callbacks)
    : socket_(std::move(socket)),
      log_(log),
      callbacks_(std::move(callbacks)),
      thread_([this] { run(); }) {}

Listener::~Listener() {
  close();
}

void Listener::close() {
  if (!thread_.joinable()) return;
  stop_.notify();
  thread_.join();
  socket_.close();
}

void Listener::run() {
  const std::array fds{stop_.fd(), socket_.fd()};
  bool evicted = false;
  while (true) {
    os::wait_readable(fds, kOwnershipInterval);
    if (os::wait_readable(stop_.fd(), std::chrono::milliseconds(0))) return;
    accept_all();
    if (!evicted && !socket_.still_owned()) {
      evicted = true;
      log_.warn("socket no longer owned by this daemon; self-evicting",
                {{"socket", socket_.path()}});
      callbacks_.on_evicted();
    }
  }
}

void Listener::accept_all() {
  while (true) {
    auto accepted = socket_.accept();
    if (!accepted) {
      log_.warn("cannot accept a connection", {{"error", accepted.error().message}});
      // Out of descriptors, most likely: the connection still waits, so do not spin on it.
      os::wait_readable(stop_.fd(), kAcceptBackoff);
      return;
    }
    if (!accepted->has_value()) return;
    os::Fd connection = std::move(**accepted);
    const auto peer = os::peer_credentials(connection.get());
    if (!peer || (peer->uid != os::user_id() && peer->uid != 0)) {
      log_.warn("connection of another user refused",
                {{"reason", name_of(ErrorCode::peer_refused)}, {"uid", peer ? peer->uid : 0}});
      continue;
    }
    callbacks_.on_connection(std::move(connection));
  }
}

}  // namespace runed::daemon
