#include "os/file/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "os/file/regular_file.hpp"

namespace runed::os {
namespace {

void unmap(std::span<const std::byte> bytes) {
  // munmap has no const form; nothing is written through the pointer.
  if (!bytes.empty()) ::munmap(const_cast<std::byte*>(bytes.data()), bytes.size());
}

}  // namespace

MappedFile::MappedFile(MappedFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      identity_(other.identity_),
      bytes_(std::exchange(other.bytes_, {})),
      guard_(std::move(other.guard_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(identity_, other.identity_);
  std::swap(bytes_, other.bytes_);
  std::swap(guard_, other.guard_);
  return *this;
}

MappedFile::~MappedFile() {
  { const MappingGuard ended = std::move(guard_); }  // Before the memory can be another's.
  unmap(bytes_);
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  MappedFile file;
  TRY_ASSIGN(file.fd_, open_regular_file(path, O_RDONLY, Links::followed));
  TRY_ASSIGN(file.identity_, settled_identity(file.fd_));
  const size_t size_bytes = file.identity_.size_bytes;
  if (size_bytes == 0) {
    return make_error(ErrorCode::bad_input, "cannot map '{}': the file is empty", path);
  }
  void* address = ::mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, file.fd_.get(), 0);
  if (address == MAP_FAILED) return os_error(errno, "cannot map '{}'", path);
  file.bytes_ = std::span(static_cast<const std::byte*>(address), size_bytes);
  TRY_ASSIGN(file.guard_, MappingGuard::create(file.bytes_));
  return file;
}

Status MappedFile::check_unchanged() const {
  const auto now = file_identity(fd_);
  if (!now) return make_error(ErrorCode::io, "it cannot be looked at any more");
  if (now->size_bytes != identity_.size_bytes) {
    return make_error(ErrorCode::io, "its size is {} bytes now, and was {}", now->size_bytes,
                      identity_.size_bytes);
  }
  if (has_hole()) return make_error(ErrorCode::io, "some of it cannot be read any more");
  if (now->modified != identity_.modified) return make_error(ErrorCode::io, "it was written to");
  return {};
}

}  // namespace runed::os
