#pragma once

#include <string>
#include <string_view>

#include "daemon/route/centroid_set.hpp"

namespace runed::daemon {

/// Writes a set as a file of its own format, which replaces the old one as a whole. It is on the disk
/// when this returns.
///
///   offset  bytes
///   0       8     magic `RUNEDCS\n`
///   8       4     format, 1
///   12      4     dim
///   16      4     count
///   20      4     bytes of version
///   24      4     bytes of preset
///   28            version, preset, count * dim f32
///           64    SHA-256 of everything before it, in hex digits
///
/// Numbers are little-endian. Nothing follows.
/// Errors: io, permission_denied, not_found.
Status write_centroid_file(const std::string& path, const CentroidSet& set);

/// Reads what `write_centroid_file` wrote, and checks it as a set that is received, its version's
/// digest included.
/// Errors: not_found if there is none; integrity if a byte of it is not as it was written; io,
///         permission_denied.
Result<CentroidSet> read_centroid_file(const std::string& path);

/// Does the same with the bytes of a file.
/// Errors: integrity.
Result<CentroidSet> parse_centroid_file(std::string_view bytes);

}  // namespace runed::daemon
