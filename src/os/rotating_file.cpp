#include "os/rotating_file.hpp"

#include <cerrno>
#include <cstdio>

#include "base/check.hpp"
#include "os/files.hpp"

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

Status RotatingFile::write(std::string_view bytes) {
  TRY_ASSIGN(const uint64_t before_bytes, size_bytes());
  if (before_bytes > 0 && before_bytes + bytes.size() > options_.limit_bytes) {
    TRY(put_aside());
    TRY(reopen());
  }
  if (!write_all(fd_.get(), bytes).has_value()) {
    return os_error(errno, fmt::format("cannot write '{}'", options_.path));
  }
  return {};
}

Result<uint64_t> RotatingFile::size_bytes() const {
  TRY_ASSIGN(const FileIdentity identity, file_identity(fd_));
  return identity.size_bytes;
}

Status RotatingFile::reopen() {
  TRY_ASSIGN(fd_, open_for_append(options_.path, 0600));
  return {};
}

// From the oldest on, each takes the place of the one before it.
Status RotatingFile::put_aside() {
  const auto name = [this](int age) {
    return age == 0 ? options_.path : fmt::format("{}.{}", options_.path, age);
  };
  for (int age = options_.keep; age > 0; --age) {
    if (std::rename(name(age - 1).c_str(), name(age).c_str()) != 0 && errno != ENOENT) {
      return os_error(errno, fmt::format("cannot put '{}' aside", name(age - 1)));
    }
  }
  return {};
}

}  // namespace runed::os
