#pragma once

#include <string>

#include "os/file/fd.hpp"

namespace runed::os {

/// What to make of a symbolic link at the path of a file.
enum class Links {
  followed,  // Where a user may have put one: to configuration, to a model.
  refused,   // Where the file is one that we make and write to.
};

/// Opens a regular file with these flags, O_CLOEXEC and, where it creates one, this mode. Anything
/// else at its path is neither opened nor waited for.
/// Errors: as open_fd; `cannot open '<path>': it is a FIFO, not a regular file`: bad_input, or, where
///         links are refused, io with the command that makes room for the file.
Result<Fd> open_regular_file(const std::string& path, int flags, Links links, unsigned mode = 0600);

/// Says what is at a path if it is no regular file: `it is a FIFO, not a regular file`; empty if it is
/// one, or nothing.
std::string find_fault_of_kind(const std::string& path);

}  // namespace runed::os
