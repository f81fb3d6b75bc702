#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "bootstrap/fetch/watch.hpp"

namespace runed::bootstrap {

/// What an archive may cost. Directories that are only named as part of a path count as entries,
/// and the holes of a sparse file as bytes.
struct UnpackLimits {
  uint64_t entries = 10'000;
  uint64_t file_bytes = uint64_t{8} << 30;
  uint64_t total_bytes = uint64_t{16} << 30;
  uint64_t ratio = 200;  // Unpacked bytes per byte of the archive, past the first 16 MiB.
  uint32_t depth = 32;   // Directories around an entry.
};

// How an archive of unknown origin is unpacked, so that nothing outside the directory is touched:
//
// An entry is a file, a directory, a link to inside, or a hard link to an earlier file. Whatever
// else there is fails the whole archive, with the entry's name: an archive whose odd entries were
// passed over would be installed and then not work.
//
// A name is cleaned as text (`a/../b` is `b`) and must stay inside at every step. Every name is
// remembered; the same name twice is refused, unless both are directories, so nothing is ever
// replaced. Files and directories are made by os::TreeWriter, which opens each directory on the way
// by itself, without following links, and creates files with O_EXCL.
//
// Links are made last, when everything else is there. So no file can be written through one, in
// whatever order the archive has them. And only then is it known where they lead: `a -> b/../..`
// means one thing while there is no `b`, and another once `b` is a link itself. Each is followed
// over the remembered names as the kernel would follow it, through links and missing names alike,
// and may not leave the directory at any step. A link to a name inside that is missing is fine.
//
// libarchive has flags against the same tricks (ARCHIVE_EXTRACT_SECURE_*); they pass over what this
// refuses, follow a link that stays inside, and do not look at where a link leads.

/// Unpacks a tar, tar.gz or zip, told by its content, into a directory that exists and is empty.
/// Modes: directories archived & 0777 | 0700, files archived & 0777 | 0600; the umask is ignored.
/// Errors: integrity, `cannot unpack '<archive>': entry '<name>' <reason>`; cancelled; io. What was
///         unpacked before stays, without the file that was being written and without links.
/// Needs:  nobody else writes to the directory. Everything is on the disk when this returns.
Status unpack(const std::string& archive_path, const std::string& directory,
              const UnpackLimits& limits, const Watch& watch);

}  // namespace runed::bootstrap
