#pragma once

#include <string>

#include "base/result.hpp"

namespace runed::os {

/// Returns where the socket of this canonical path really is: at the path, made absolute and clean,
/// or, from 104 bytes on, at `/tmp/runed-<uid>/runed-<32 hex digits of the path's SHA-256>.sock`.
/// The predecessor's rule, so its clients find ours; 104 is the limit of macOS, `/tmp` is literal.
std::string resolve_socket_path(const std::string& canonical);
std::string resolve_socket_path(const std::string& canonical, unsigned uid);

/// Readies the directory for the daemon to bind `resolved` in: it is created with mode 0700 if it
/// is missing, and otherwise left as it is (it may be `/run`). The alias directory must be our own:
/// the predecessor sets the mode of one that is there, here it is refused if others may write.
/// Errors: as os::make_own_directory; anybody can make a name in `/tmp` before us.
Status prepare_socket_directory(const std::string& resolved);
Status prepare_socket_directory(const std::string& resolved, unsigned uid);

/// Checks, before a client connects, that the alias directory is ours and written by us only, so
/// that nobody else can listen there. Paths outside it pass, and so does one that does not exist yet.
/// Errors: as os::check_own_directory.
Status check_alias_directory(const std::string& resolved);
Status check_alias_directory(const std::string& resolved, unsigned uid);

}  // namespace runed::os
