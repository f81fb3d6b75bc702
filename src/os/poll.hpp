#pragma once

#include <chrono>
#include <optional>
#include <span>

namespace runed::os {

/// Waits until one of the descriptors can be read or was hung up; without a timeout, for ever.
/// Returns false when the time is over. With a timeout of zero it only looks.
bool wait_readable(std::span<const int> fds, std::optional<std::chrono::milliseconds> timeout);
bool wait_readable(int fd, std::optional<std::chrono::milliseconds> timeout);

}  // namespace runed::os
