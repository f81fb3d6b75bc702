#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace runed::os {

/// Returns how many more bytes this user may write to the file system that has the path.
Result<uint64_t> free_disk_bytes(const std::string& path);

}  // namespace runed::os
