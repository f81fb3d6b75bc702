#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "os/file/fd.hpp"

namespace runed::os {

/// An IPv4 or IPv6 address, as digits, and a port.
struct TcpAddress {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
};

/// Returns it as people write it: `127.0.0.1:8080`, `[::1]:8080`.
std::string to_string(const TcpAddress& address);

/// Listens on a TCP port.
class TcpListener {
 public:
  /// Binds the address and no other one: `::` is all of IPv6 without IPv4. Port 0 is any that is free.
  /// Errors: bad_config if it is no address, or none of this machine; unavailable if something listens
  ///         there already; permission_denied.
  static Result<TcpListener> listen(const TcpAddress& address);

  /// Readable when a connection waits. Does not block.
  int fd() const { return fd_.get(); }

  /// Takes the next connection; empty if none waits. What is written to it leaves at once, without
  /// waiting for more (TCP_NODELAY).
  /// Errors: as accept_connection.
  Result<std::optional<Fd>> accept();

  void close() { fd_.close(); }

  /// Where it listens, with the port that was bound.
  const TcpAddress& address() const { return address_; }

 private:
  TcpListener(Fd fd, TcpAddress address) : fd_(std::move(fd)), address_(std::move(address)) {}

  Fd fd_;
  TcpAddress address_;
};

}  // namespace runed::os
