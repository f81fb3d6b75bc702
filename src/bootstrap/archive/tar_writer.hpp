#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/fetch/watch.hpp"

namespace runed::bootstrap {

struct TarEntry {
  std::string name;          // Relative; directories on the way get entries of their own.
  std::string content_path;  // The file with the content.
  std::string content;       // The content, where no file is named.
};

/// Writes files to a tar that is there when it is complete and on the disk, or not at all. The same
/// entries give the same bytes: user and group 0, time 0, files 0600, directories 0700.
/// Errors: cancelled, or that of the file that cannot be read or written.
Status write_tar(const std::string& path, const std::vector<TarEntry>& entries, const Watch& watch);

}  // namespace runed::bootstrap
