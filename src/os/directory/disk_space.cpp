#include "os/directory/disk_space.hpp"

#include <sys/statvfs.h>

#include <cerrno>

#include "os/file/fd.hpp"
#include "os/file/retry.hpp"

namespace runed::os {

Result<uint64_t> free_disk_bytes(const std::string& path) {
  struct statvfs status {};
  if (retry_interrupted([&] { return ::statvfs(path.c_str(), &status); }) != 0) {
    return os_error(errno, "cannot inspect the file system of '{}'", path);
  }
  return uint64_t{status.f_bavail} * status.f_frsize;
}

}  // namespace runed::os
