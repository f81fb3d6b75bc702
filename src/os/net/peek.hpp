#pragma once

#include <cstddef>
#include <string>

#include "base/result.hpp"

namespace runed::os {

/// What a connection has received, and nobody has read.
struct Peeked {
  std::string bytes;      // The first of them.
  bool is_ended = false;  // Its peer sends nothing after what it has sent.
};

/// Looks at the first bytes of a connected socket, and leaves them there. Does not wait.
/// Errors: what broke the connection.
Result<Peeked> peek(int fd, size_t most_bytes);

}  // namespace runed::os
