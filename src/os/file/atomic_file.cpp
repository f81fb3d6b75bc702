#include "os/file/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "os/directory/directories.hpp"
#include "os/file/files.hpp"

namespace runed::os {
namespace {

constexpr std::string_view kMark = ".tmp-";

}  // namespace

Result<AtomicFile> AtomicFile::create(const std::string& path, unsigned mode) {
  std::string temporary =
      fmt::format("{}{}XXXXXX", path, kMark);  // Beside it, so that a rename is enough.
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  const bool created = fd.is_open();
  AtomicFile file(path, std::move(temporary), std::move(fd));
  if (!created || ::fchmod(file.fd_.get(), mode) != 0) return file.cannot_write();
  return file;
}

AtomicFile::~AtomicFile() {
  if (fd_.is_open()) ::unlink(temporary_.c_str());
}

Error AtomicFile::cannot_write() const {
  return os_error(errno, "cannot write '{}'", path_);
}

Status AtomicFile::write(std::string_view content) {
  if (!write_all(fd_.get(), content).has_value()) return cannot_write();  // errno stands.
  return {};
}

Status AtomicFile::sync() {
  if (::fsync(fd_.get()) != 0) return cannot_write();
  return {};
}

Status AtomicFile::commit() {
  TRY(commit_file(fd_.get(), temporary_, path_));
  fd_.close();
  return {};
}

Status commit_file(int fd, const std::string& temporary, const std::string& path) {
  if (::fsync(fd) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    return os_error(errno, "cannot write '{}'", path);
  }
  // The rename is an entry in the directory, which has to reach the disk too.
  return sync_directory(parent_directory(absolute_path(path)));
}

bool is_temporary_file(std::string_view name) {
  return name.find(kMark) != std::string_view::npos;
}

Status write_file_atomically(const std::string& path, std::string_view content, unsigned mode) {
  TRY_ASSIGN(AtomicFile file, AtomicFile::create(path, mode));
  TRY(file.write(content));
  return file.commit();
}

}  // namespace runed::os
