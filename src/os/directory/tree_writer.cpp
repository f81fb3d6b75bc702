#include "os/directory/tree_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.hpp"
#include "os/file/files.hpp"
#include "os/file/retry.hpp"

namespace runed::os {
namespace {

// So that no one sync takes longer than a cancellation may.
constexpr size_t kSyncBytes = size_t{32} << 20;

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::string parent_of(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

std::string last_of(const std::string& name) {
  return name.substr(name.rfind('/') + 1);  // Past the end plus one is the start.
}

}  // namespace

TreeFile::~TreeFile() {
  if (fd_.is_open()) ::unlinkat(directory_.get(), name_.c_str(), 0);
}

Status TreeFile::write(std::string_view content) {
  bool written = write_all(fd_.get(), content).has_value();
  unsynced_bytes_ += content.size();
  if (written && unsynced_bytes_ >= kSyncBytes) {
    written = ::fdatasync(fd_.get()) == 0;
    unsynced_bytes_ = 0;
  }
  if (!written) return os_error(errno, "cannot write '{}'", path_);  // errno stands.
  return {};
}

Status TreeFile::finish() {
  if (::fsync(fd_.get()) != 0) return os_error(errno, "cannot write '{}'", path_);
  fd_.close();
  return {};
}

Result<TreeWriter> TreeWriter::open(const std::string& directory) {
  TRY_ASSIGN(Fd root, open_fd(directory, kDirectoryFlags));
  return TreeWriter(directory, std::move(root));
}

Error TreeWriter::cannot_create(const std::string& name) const {
  return os_error(errno, "cannot create '{}/{}'", path_, name);
}

Result<Fd> TreeWriter::open_directory(const std::string& name) const {
  Fd fd(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
  if (!fd.is_open()) return os_error(errno, "cannot open '{}'", path_);
  if (name.empty()) return fd;
  for (const std::string_view part : split(name, '/')) {
    const std::string step(part);
    fd = Fd(retry_interrupted([&] { return ::openat(fd.get(), step.c_str(), kDirectoryFlags); }));
    if (!fd.is_open()) return os_error(errno, "cannot open '{}/{}'", path_, name);
  }
  return fd;
}

Status TreeWriter::make_directory(const std::string& name, unsigned mode) const {
  TRY_ASSIGN(const Fd parent, open_directory(parent_of(name)));
  if (::mkdirat(parent.get(), last_of(name).c_str(), 0700) != 0) return cannot_create(name);
  return set_directory_mode(name, mode);
}

Status TreeWriter::set_directory_mode(const std::string& name, unsigned mode) const {
  TRY_ASSIGN(const Fd directory, open_directory(name));
  if (::fchmod(directory.get(), mode) != 0) return cannot_create(name);
  return {};
}

Result<TreeFile> TreeWriter::create_file(const std::string& name, unsigned mode) const {
  TRY_ASSIGN(Fd parent, open_directory(parent_of(name)));
  const std::string last = last_of(name);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Fd fd(retry_interrupted([&] { return ::openat(parent.get(), last.c_str(), kFlags, 0600); }));
  if (!fd.is_open()) return cannot_create(name);
  TreeFile file(path_ + "/" + name, std::move(parent), last, std::move(fd));
  if (::fchmod(file.fd_.get(), mode) != 0) return cannot_create(name);
  return file;
}

Status TreeWriter::make_link(const std::string& name, const std::string& target) const {
  TRY_ASSIGN(const Fd parent, open_directory(parent_of(name)));
  if (::symlinkat(target.c_str(), parent.get(), last_of(name).c_str()) != 0) {
    return cannot_create(name);
  }
  return {};
}

Status TreeWriter::make_hard_link(const std::string& name, const std::string& existing) const {
  TRY_ASSIGN(const Fd from, open_directory(parent_of(existing)));
  TRY_ASSIGN(const Fd parent, open_directory(parent_of(name)));
  // Without AT_SYMLINK_FOLLOW, so that a link would get the name and not what it leads to.
  if (::linkat(from.get(), last_of(existing).c_str(), parent.get(), last_of(name).c_str(), 0) !=
      0) {
    return cannot_create(name);
  }
  return {};
}

Status TreeWriter::sync_directory(const std::string& name) const {
  TRY_ASSIGN(const Fd directory, open_directory(name));
  if (::fsync(directory.get()) != 0) {
    return os_error(errno, "cannot sync '{}/{}'", path_, name);
  }
  return {};
}

}  // namespace runed::os
