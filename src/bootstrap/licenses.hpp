#pragma once

#include <string>

#include "base/result.hpp"

namespace runed::bootstrap {

/// Writes the licences of what runed fetches below `directory`, over whatever is there. Directories
/// have mode 0755 and files 0644, as the predecessor's.
/// Errors: `cannot write the licences: …`.
Status write_licenses(const std::string& directory);

}  // namespace runed::bootstrap
