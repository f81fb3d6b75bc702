#pragma once

#include <chrono>
#include <optional>
#include <span>

namespace runed::os {

/// Waits until one of the descriptors can be read or was hung up; without a timeout, for ever.
/// Returns false when the time is over. With a timeout of zero it only looks.
bool wait_readable(std::span<const int> fds, std::optional<std::chrono::milliseconds> timeout);
bool wait_readable(int fd, std::optional<std::chrono::milliseconds> timeout);

/// Tells whether the other end of a pipe or socket has been closed by all who had it.
bool is_hung_up(int fd);

}  // namespace runed::os
