#include "os/net/peek.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "os/file/fd.hpp"
#include "os/file/retry.hpp"

namespace runed::os {
namespace {

// A closed connection of which bytes are left looks like a living one to recv.
bool is_ended(int fd) {
  pollfd entry{fd, POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP)) != 0;
}

}  // namespace

// Whether it is ended is looked at first: then the bytes that are there are all that there will be.
Result<Peeked> peek(int fd, size_t most_bytes) {
  Peeked peeked{.bytes = std::string(most_bytes, '\0'), .is_ended = is_ended(fd)};
  const ssize_t count = retry_interrupted([&] {
    return ::recv(fd, peeked.bytes.data(), peeked.bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  });
  if (count < 0 && errno != EAGAIN) return os_error(errno, "cannot read from a connection");
  peeked.bytes.resize(count < 0 ? 0 : static_cast<size_t>(count));
  return peeked;
}

}  // namespace runed::os
