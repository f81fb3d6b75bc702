#include "os/net/unix_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/duration.hpp"
#include "os/directory/directories.hpp"
#include "os/file/files.hpp"
#include "os/file/retry.hpp"
#include "os/net/accept.hpp"

namespace runed::os {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr mode_t kSocketMode = 0700;
// A listener that lives takes a connection at once, unless its backlog is full, and then it lives.
constexpr Milliseconds kProbeTimeout{500};

struct Address {
  sockaddr_un unix_address{};
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&unix_address); }
};

Result<Address> address_of(const std::string& path) {
  Address address;
  address.unix_address.sun_family = AF_UNIX;
  constexpr size_t kLongest = sizeof(address.unix_address.sun_path) - 1;
  if (path.empty() || path.size() > kLongest) {
    return make_error(ErrorCode::bad_config,
                      "cannot use socket '{}': the path has {} bytes, a socket's has 1 to {}", path,
                      path.size(), kLongest);
  }
  std::ranges::copy(path, address.unix_address.sun_path);
  return address;
}

const char* type_name(mode_t mode) {
  if (S_ISREG(mode)) return "a regular file";
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISLNK(mode)) return "a symbolic link";
  return "something else than a socket";
}

// Whether a socket is there; anything else is an error.
Result<bool> find_socket(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    return os_error(errno, "cannot inspect '{}'", path);
  }
  if (S_ISSOCK(status.st_mode)) return true;
  return make_error(ErrorCode::bad_config, "cannot listen on '{}': {} is in its place", path,
                    type_name(status.st_mode))
      .with_hint("move it away, or name another socket with RUNED_SOCKET");
}

// Removes a socket that nobody listens on, and nothing else.
Status clear_path(const std::string& path) {
  TRY_ASSIGN(const bool is_taken, find_socket(path));
  if (!is_taken) return {};
  const Result<Fd> probe = dial_unix(path, kProbeTimeout);
  if (probe.has_value() || probe.error().code == ErrorCode::deadline_exceeded) {
    return make_error(ErrorCode::unavailable, "cannot listen on '{}': already in use", path);
  }
  if (probe.error().code != ErrorCode::unavailable) return probe.error();
  return remove_file(path);
}

timeval to_timeval(Milliseconds duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  const std::chrono::microseconds rest = duration - seconds;
  return {.tv_sec = seconds.count(), .tv_usec = rest.count()};
}

}  // namespace

Result<PeerCredentials> peer_credentials(int fd) {
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return os_error(errno, "cannot read the peer's credentials");
  }
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

UnixListener& UnixListener::operator=(UnixListener&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

Status check_listenable(const std::string& path) {
  TRY(address_of(path));
  const auto socket = find_socket(path);
  if (!socket && socket.error().code == ErrorCode::bad_config) return socket.error();
  Status makeable = check_can_make(resolve_links(parent_directory(path)));
  if (makeable) return makeable;
  return make_error(makeable.error().code, "cannot listen on '{}': {}", path,
                    makeable.error().message)
      .with_hint("name a socket in another directory with --socket or RUNED_SOCKET");
}

Result<UnixListener> UnixListener::listen(const std::string& path) {
  TRY_ASSIGN(const Address address, address_of(path));
  TRY(make_missing_directories(parent_directory(absolute_path(path))));
  TRY(clear_path(path));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return os_error(errno, "cannot make a socket");
  if (::bind(fd.get(), address.get(), sizeof(address.unix_address)) != 0) {
    return os_error(errno, "cannot bind '{}'", path);
  }
  UnixListener listener(std::move(fd), path);
  struct stat status {};
  // Until listen, every connect is refused: so there is no moment at which the mode that the umask
  // left could let anybody in.
  if (::lstat(path.c_str(), &status) != 0 || ::chmod(path.c_str(), kSocketMode) != 0 ||
      ::listen(listener.fd(), SOMAXCONN) != 0) {
    const Error error = os_error(errno, "cannot listen on '{}'", path);
    ::unlink(path.c_str());
    return error;
  }
  listener.device_ = status.st_dev;
  listener.inode_ = status.st_ino;
  return listener;
}

Result<std::optional<Fd>> UnixListener::accept() {
  return accept_connection(fd_.get(), path_);
}

// The bound socket keeps its inode, so the number cannot come back for another file meanwhile.
bool UnixListener::still_owned() const {
  struct stat status {};
  return fd_.is_open() && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
         status.st_ino == inode_;
}

void UnixListener::close() {
  if (still_owned()) ::unlink(path_.c_str());
  fd_.close();
}

Result<Fd> dial_unix(const std::string& path, Milliseconds timeout) {
  TRY_ASSIGN(const Address address, address_of(path));
  struct stat status {};
  // A regular file would be refused just like a socket without a listener.
  if (::stat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
    return make_error(ErrorCode::bad_config, "cannot connect to '{}': {} is in its place", path,
                      type_name(status.st_mode));
  }
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) return os_error(errno, "cannot make a socket");
  // A Unix socket connects at once or, when the backlog is full, not at all; without O_NONBLOCK it
  // waits for room in it, for as long as the send timeout (0 would be for ever).
  const timeval limit = to_timeval(std::max(timeout, Milliseconds{1}));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  const auto connect = [&] {
    return ::connect(fd.get(), address.get(), sizeof(address.unix_address));
  };
  if (retry_interrupted(connect) != 0) {
    if (errno == EAGAIN) {
      return make_error(ErrorCode::deadline_exceeded,
                        "cannot connect to '{}' within {}: the listener is too busy", path,
                        format_duration(timeout));
    }
    return os_error(errno, "cannot connect to '{}'", path);
  }
  const timeval none{};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) {
    return os_error(errno, "cannot set up a socket");
  }
  return fd;
}

}  // namespace runed::os
