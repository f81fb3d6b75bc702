#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace runed::os {

/// Replaces a file as a whole: whoever reads the path, and whatever fails, sees the old content or
/// the new. It is on the disk when this returns.
/// Errors: `cannot write '<path>': <reason>`; the old file is then as it was.
Status write_file_atomically(const std::string& path, std::string_view content, unsigned mode);

}  // namespace runed::os
