#include "os/file/file_reader.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "os/file/files.hpp"
#include "os/file/regular_file.hpp"
#include "os/file/retry.hpp"

namespace runed::os {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;

}  // namespace

FileReader::FileReader(Fd fd, std::string path, uint64_t size_bytes)
    : fd_(std::move(fd)), path_(std::move(path)), size_bytes_(size_bytes), buffer_(kBlockBytes) {}

Result<FileReader> FileReader::open(const std::string& path) {
  TRY_ASSIGN(Fd fd, open_regular_file(path, O_RDONLY, Links::followed));
  TRY_ASSIGN(const FileIdentity identity, file_identity(fd));
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return FileReader(std::move(fd), path, identity.size_bytes);
}

Result<FileReader> FileReader::open(const Fd& file) {
  TRY_ASSIGN(const FileIdentity identity, file_identity(file));
  Fd own(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
  if (!own.is_open()) return os_error(errno, "cannot open a file again");
  return FileReader(std::move(own), {}, identity.size_bytes);
}

Result<std::span<const std::byte>> FileReader::next() {
  const ssize_t count = retry_interrupted([&] {
    return ::pread(fd_.get(), buffer_.data(), buffer_.size(), static_cast<off_t>(offset_));
  });
  if (count < 0) {
    Error reason = os_error(errno);
    return path_.empty() ? reason.in("cannot read")
                         : reason.in(fmt::format("cannot read '{}'", path_));
  }
  offset_ += static_cast<uint64_t>(count);
  return std::span<const std::byte>(buffer_.data(), static_cast<size_t>(count));
}

}  // namespace runed::os
