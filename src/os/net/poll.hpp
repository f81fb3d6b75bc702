#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace runed::os {

/// Waits until one of the descriptors can be read or was hung up; without a timeout, for ever.
/// Returns false when the time is over. With a timeout of zero it only looks.
bool wait_readable(std::span<const int> fds, std::optional<std::chrono::milliseconds> timeout);
bool wait_readable(int fd, std::optional<std::chrono::milliseconds> timeout);

/// Tells of each descriptor, in their order, whether it can be read or was hung up. Does not wait.
std::vector<bool> find_readable(std::span<const int> fds);

/// Writes all bytes, unless whoever reads from a pipe, socket or terminal does not for so long. What was
/// written by then stays.
/// Errors: deadline_exceeded; `cannot write: <reason>`.
Status write_in_time(int fd, std::string_view bytes, std::chrono::milliseconds timeout);

/// Tells whether the other end of a pipe or socket has been closed by all who had it.
bool is_hung_up(int fd);

}  // namespace runed::os
