#include "os/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "os/files.hpp"

namespace runed::os {
namespace {

Error cannot_write(const std::string& path) {
  return os_error(errno, fmt::format("cannot write '{}'", path));
}

// A file beside the one that it is to replace, so that a rename is enough; removed if it does not
// come to that.
class Temporary {
 public:
  explicit Temporary(const std::string& target) : path_(target + ".tmp-XXXXXX") {
    fd_ = Fd(::mkostemp(path_.data(), O_CLOEXEC));
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (fd_.is_open()) ::unlink(path_.c_str());
  }

  int fd() const { return fd_.get(); }
  bool rename_to(const std::string& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) return false;
    fd_.close();
    return true;
  }

 private:
  std::string path_;
  Fd fd_;
};

}  // namespace

Status write_file_atomically(const std::string& path, std::string_view content, unsigned mode) {
  Temporary temporary(path);
  if (temporary.fd() < 0) return cannot_write(path);
  if (!write_all(temporary.fd(), content).has_value()) return cannot_write(path);  // errno stands.
  if (::fchmod(temporary.fd(), mode) != 0 || ::fsync(temporary.fd()) != 0) {
    return cannot_write(path);
  }
  if (!temporary.rename_to(path)) return cannot_write(path);
  // The rename is an entry in the directory, which has to reach the disk too.
  TRY_ASSIGN(const Fd directory,
             open_fd(parent_directory(absolute_path(path)), O_RDONLY | O_DIRECTORY));
  if (::fsync(directory.get()) != 0) return cannot_write(path);
  return {};
}

}  // namespace runed::os
