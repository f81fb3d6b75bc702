#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "os/file/fd.hpp"

namespace runed::os {

/// The process at the other end, as the kernel saw it when it connected.
struct PeerCredentials {
  int pid = 0;
  unsigned uid = 0;
  unsigned gid = 0;
};
Result<PeerCredentials> peer_credentials(int fd);

/// Listens on a Unix stream socket that only this user can connect to.
class UnixListener {
 public:
  UnixListener(UnixListener&& other) noexcept = default;
  UnixListener& operator=(UnixListener&& other) noexcept;
  ~UnixListener() { close(); }

  /// Binds the path, in place of a stale socket if there is one, with mode 0700 before anybody can
  /// connect. Creates a missing parent directory with mode 0700.
  /// Needs:  the caller holds the daemon's lock: between the look and the bind there is a gap.
  /// Errors: unavailable if something listens there already; bad_config if the path is too
  ///         long or holds something that is not a socket, which is left alone.
  static Result<UnixListener> listen(const std::string& path);

  /// Readable when a connection waits. Does not block.
  int fd() const { return fd_.get(); }

  /// Takes the next connection; empty if none waits.
  /// Errors: as accept_connection.
  Result<std::optional<Fd>> accept();

  /// Tells whether the path is still the socket that was bound here.
  bool still_owned() const;

  /// Stops listening, and removes the socket if it is still ours.
  void close();

  const std::string& path() const { return path_; }

 private:
  UnixListener(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Fd fd_;
  std::string path_;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
};

/// Checks, and changes nothing, that a socket can be bound at a path on which nobody listens.
/// Errors: as UnixListener::listen; as os::check_can_make of its directory.
Status check_listenable(const std::string& path);

/// Connects to a Unix stream socket; the descriptor does not block afterwards.
/// Errors: not_found if there is nothing at the path; unavailable if nobody listens;
///         bad_config if it is not a socket or the path is too long; permission_denied;
///         deadline_exceeded if the listener has more connections waiting than it takes.
Result<Fd> dial_unix(const std::string& path, std::chrono::milliseconds timeout);

}  // namespace runed::os
