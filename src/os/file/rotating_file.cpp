#include "os/file/rotating_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/check.hpp"
#include "os/file/files.hpp"
#include "os/process/process.hpp"

namespace runed::os {

Result<RotatingFile> RotatingFile::open(Options options) {
  CHECK(options.keep >= 1);
  RotatingFile file(std::move(options));
  TRY(file.reopen());
  TRY_ASSIGN(const uint64_t size_bytes, file.size_bytes());
  if (size_bytes >= file.options_.limit_bytes && file.put_aside().has_value()) {
    TRY(file.reopen());
  }
  return file;
}

std::optional<RotatingFile> RotatingFile::of_standard_error(Options options) {
  // A link at the path would be no file of ours, whatever it leads to.
  const auto there = file_identity(options.path);
  if (!there || !is_regular_file(options.path)) return std::nullopt;
  for (const int fd : {kStdout, kStderr}) {
    const auto opened = file_identity(fd);
    if (opened && is_same_file(*opened, *there)) options.followers.push_back(fd);
  }
  if (options.followers.empty() || options.followers.back() != kStderr) return std::nullopt;
  auto file = open(std::move(options));
  if (!file) return std::nullopt;
  return *std::move(file);
}

// Another process that shares the log may have put it aside already.
Status RotatingFile::write(std::string_view bytes) {
  TRY_ASSIGN(uint64_t before_bytes, size_bytes());
  const uint64_t limit_bytes =
      std::min(options_.limit_bytes, file_size_limit().value_or(options_.limit_bytes));
  if (before_bytes > 0 && before_bytes + bytes.size() > limit_bytes && !is_at_its_path()) {
    TRY(reopen());
    TRY_ASSIGN(before_bytes, size_bytes());
  }
  if (before_bytes > 0 && before_bytes + bytes.size() > limit_bytes) {
    TRY(put_aside());
    TRY(reopen());
  }
  if (!write_all(fd_.get(), bytes).has_value()) {
    return os_error(errno, "cannot write '{}'", options_.path);
  }
  return {};
}

Result<uint64_t> RotatingFile::size_bytes() const {
  TRY_ASSIGN(const FileIdentity identity, file_identity(fd_));
  return identity.size_bytes;
}

bool RotatingFile::is_at_its_path() const {
  const auto there = file_identity(options_.path);
  const auto opened = file_identity(fd_);
  return there && opened && is_same_file(*there, *opened);
}

Status RotatingFile::reopen() {
  TRY_ASSIGN(fd_, open_for_append(options_.path, 0600));
  for (const int follower : options_.followers) ::dup2(fd_.get(), follower);
  return {};
}

// From the oldest on, each takes the place of the one before it.
Status RotatingFile::put_aside() {
  const auto name = [this](int age) {
    return age == 0 ? options_.path : fmt::format("{}.{}", options_.path, age);
  };
  for (int age = options_.keep; age > 0; --age) {
    if (std::rename(name(age - 1).c_str(), name(age).c_str()) != 0 && errno != ENOENT) {
      return os_error(errno, "cannot put '{}' aside", name(age - 1));
    }
  }
  return {};
}

}  // namespace runed::os
