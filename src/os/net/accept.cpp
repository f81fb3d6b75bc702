#include "os/net/accept.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace runed::os {

Result<std::optional<Fd>> accept_connection(int listener, std::string_view where) {
  while (true) {
    Fd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.is_open()) return std::optional<Fd>(std::move(fd));
    switch (errno) {
      case EINTR:
      case ECONNABORTED:
      // What the network had to say of the connection that is no more. Source: accept(2).
      case EHOSTDOWN:
      case EHOSTUNREACH:
      case ENETDOWN:
      case ENETUNREACH:
      case ENONET:
      case ENOPROTOOPT:
      case EPROTO:
        continue;
      case EAGAIN:
        return std::optional<Fd>{};
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM: {
        Error error = os_error(errno, "cannot accept on '{}'", where);
        error.code = ErrorCode::unavailable;
        return error;
      }
      default:
        return os_error(errno, "cannot accept on '{}'", where);
    }
  }
}

}  // namespace runed::os
