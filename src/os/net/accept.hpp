#pragma once

#include <optional>
#include <string_view>

#include "os/file/fd.hpp"

namespace runed::os {

/// Takes the next connection of a listening socket, as a descriptor that does not block; empty if none
/// waits. `where` is the socket's name in an error.
/// Errors: unavailable if the process or the machine lacks descriptors or memory. The connection
///         keeps waiting, so call again, but not at once; any other error is the end.
Result<std::optional<Fd>> accept_connection(int listener, std::string_view where);

}  // namespace runed::os
