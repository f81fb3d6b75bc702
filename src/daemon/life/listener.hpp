#pragma once

#include <functional>
#include <thread>

#include "base/log.hpp"
#include "os/net/unix_socket.hpp"
#include "os/net/wakeup.hpp"

namespace runed::daemon {

/// Accepts connections on a thread of its own and hands on those of our own user (and of root):
/// the peer's uid is known before a byte of it is parsed.
class Listener {
 public:
  struct Callbacks {
    std::function<void(os::Fd)> on_connection;  // A connected, non-blocking socket.
    std::function<void()> on_evicted;           // The path is no longer ours; called once.
  };

  Listener(os::UnixListener socket, Log& log, Callbacks callbacks);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  /// Closes as `close` does.
  ~Listener();

  /// Stops accepting, joins the thread, and unlinks the path if it is still ours. Idempotent.
  void close();

 private:
  void run();
  void accept_all();

  os::UnixListener socket_;
  Log& log_;
  const Callbacks callbacks_;
  os::Wakeup stop_;
  std::thread thread_;
};

}  // namespace runed::daemon
