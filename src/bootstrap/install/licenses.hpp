#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace runed::bootstrap {

/// Writes the licences of what runed fetches below `directory`, over whatever is there. Directories
/// have mode 0755 and files 0644, as the predecessor's.
/// Errors: `cannot write the licences: …`.
Status write_licenses(const std::string& directory);

/// Finds what is wrong with the licences below `directory`: one text for people a file.
std::vector<std::string> find_license_faults(const std::string& directory);

}  // namespace runed::bootstrap
