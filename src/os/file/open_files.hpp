#pragma once

#include <set>
#include <string>
#include <vector>

namespace runed::os {

/// Finds the files below some directories that a process has open, mapped or runs. Only processes of
/// this user can be seen, unless this is root.
std::set<std::string> open_files_below(const std::vector<std::string>& directories);

/// Tells whether a file is among those, by whatever name, or, of a directory, anything below it.
bool is_among(const std::set<std::string>& open_files, const std::string& path);

}  // namespace runed::os
