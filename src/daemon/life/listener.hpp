#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "daemon/life/pending_connections.hpp"
#include "os/net/tcp_socket.hpp"
#include "os/net/unix_socket.hpp"
#include "os/net/wakeup.hpp"

namespace runed::daemon {

using ListeningSocket = std::variant<os::UnixListener, os::TcpListener>;

/// Accepts connections on a thread of its own, of as many sockets as there are, and gives each one to
/// the front end whose first bytes it has. On a Unix socket only our own user (and root) is let in: the
/// peer's uid is known before a byte of it is looked at.
class Listener {
 public:
  struct Callbacks {
    /// Called once, when the path of a Unix socket is no longer ours.
    std::function<void()> on_evicted;
    /// Tells whether the peer of a TCP connection is let in. Needed where there is a TCP socket.
    std::function<bool(int connection)> admits_tcp_peer{};
  };

  /// Needs: front ends that were started, and outlive the listener.
  Listener(std::vector<ListeningSocket> sockets, std::vector<Frontend*> frontends,
           Callbacks callbacks, const Clock& clock, Log& log);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  /// Closes as `close` does.
  ~Listener();

  /// Stops accepting, joins the thread, closes the connections that no front end has yet, and unlinks
  /// the paths that are still ours. Idempotent.
  void close();

 private:
  void run();
  void wait();
  void accept_all();
  void accept_some(ListeningSocket& socket);
  bool admits(const ListeningSocket& socket, const os::Fd& connection);
  void check_paths();

  std::vector<ListeningSocket> sockets_;
  const Callbacks callbacks_;
  const Clock& clock_;
  Log& log_;
  os::Wakeup stop_;

  // The thread's own.
  PendingConnections pending_;
  std::optional<SteadyTime> accept_again_;  // None: at any time.
  bool is_evicted_ = false;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace runed::daemon
