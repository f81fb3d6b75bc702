#include "os/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include "os/fd.hpp"

namespace runed::os {

MappedFile::~MappedFile() {
  // munmap has no const form; nothing is written through the pointer.
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  // O_NONBLOCK: a pipe at the path must give an error, not a wait for its writer.
  TRY_ASSIGN(const Fd fd, open_fd(path, O_RDONLY | O_NONBLOCK));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    return os_error(errno, fmt::format("cannot inspect '{}'", path));
  }
  if (!S_ISREG(status.st_mode)) {
    return make_error(ErrorCode::bad_input, "cannot map '{}': not a regular file", path);
  }
  const auto size_bytes = static_cast<size_t>(status.st_size);
  if (size_bytes == 0) {
    return make_error(ErrorCode::bad_input, "cannot map '{}': the file is empty", path);
  }
  void* address = ::mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (address == MAP_FAILED) return os_error(errno, fmt::format("cannot map '{}'", path));
  return MappedFile(std::span(static_cast<const std::byte*>(address), size_bytes));
}

}  // namespace runed::os
