#include "os/net/poll.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <vector>

#include "base/check.hpp"
#include "os/file/fd.hpp"
#include "os/file/retry.hpp"

namespace runed::os {
namespace {

using Milliseconds = std::chrono::milliseconds;

// Far enough to be for ever, near enough that adding it to a time point cannot overflow.
constexpr Milliseconds kLongest = std::chrono::hours(24);

// A pipe that is ready takes at least so much without a wait.
constexpr size_t kPieceBytes = PIPE_BUF;

std::vector<pollfd> entries_of(std::span<const int> fds) {
  std::vector<pollfd> entries;
  for (const int fd : fds) entries.push_back({fd, POLLIN, 0});
  return entries;
}

bool wait(std::vector<pollfd>& entries, std::optional<Milliseconds> timeout) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + std::min(timeout.value_or(kLongest), kLongest);
  while (true) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now());
    const auto left_ms = static_cast<int>(std::max(left, Milliseconds{0}).count());
    const int ready = ::poll(entries.data(), entries.size(), timeout.has_value() ? left_ms : -1);
    if (ready >= 0) return ready > 0;
    // The other reasons are a bad argument of ours and a kernel without memory for one array.
    CHECK(errno == EINTR);
  }
}

}  // namespace

bool wait_readable(std::span<const int> fds, std::optional<Milliseconds> timeout) {
  std::vector<pollfd> entries = entries_of(fds);
  return wait(entries, timeout);
}

bool wait_readable(int fd, std::optional<Milliseconds> timeout) {
  return wait_readable(std::span(&fd, 1), timeout);
}

std::vector<bool> find_readable(std::span<const int> fds) {
  std::vector<pollfd> entries = entries_of(fds);
  wait(entries, Milliseconds(0));
  std::vector<bool> readable;
  for (const pollfd& entry : entries) readable.push_back(entry.revents != 0);
  return readable;
}

Status write_in_time(int fd, std::string_view bytes, Milliseconds timeout) {
  std::vector<pollfd> entries{{fd, POLLOUT, 0}};
  while (!bytes.empty()) {
    if (!wait(entries, timeout)) {
      return make_error(ErrorCode::deadline_exceeded, "cannot write: nobody reads");
    }
    const std::string_view piece = bytes.substr(0, kPieceBytes);
    const ssize_t count =
        retry_interrupted([&] { return ::write(fd, piece.data(), piece.size()); });
    if (count < 0) return os_error(errno).in("cannot write");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

bool is_hung_up(int fd) {
  pollfd entry{fd, 0, 0};  // Hanging up is told without being asked for.
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & POLLHUP) != 0;
}

}  // namespace runed::os
