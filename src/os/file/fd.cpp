#include "os/file/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <system_error>

#include "base/text.hpp"
#include "os/file/files.hpp"
#include "os/file/retry.hpp"

namespace runed::os {
namespace {

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission_denied;
    case ECONNREFUSED:
      return ErrorCode::unavailable;
    case ETIMEDOUT:
      return ErrorCode::deadline_exceeded;
    default:
      return ErrorCode::io;
  }
}

}  // namespace

void Fd::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Fd> open_fd(const std::string& path, int flags, unsigned mode) {
  Fd fd(retry_interrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); }));
  if (!fd.is_open()) return os_error(errno, "cannot open '{}'", path);
  return fd;
}

Result<Pipe> open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return os_error(errno, "cannot open a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

namespace {

// The limit is one that somebody set for other programs, most often.
std::string file_size_hint() {
  const auto limit = file_size_limit();
  if (!limit.has_value()) return "the file system has no larger files: use another one";
  return fmt::format(
      "a file may have {} here ('ulimit -f'): raise that limit where this was started",
      format_bytes(*limit));
}

}  // namespace

Error too_large(std::string_view what) {
  return make_error(ErrorCode::io, "{}", what).with_hint(file_size_hint());
}

Error os_error(int error_number) {
  std::string reason = std::generic_category().message(error_number);
  if (!reason.empty()) reason[0] = static_cast<char>(std::tolower(reason[0]));
  Error error = make_error(code_of(error_number), "{}", reason);
  if (error_number == EFBIG) error.hint = file_size_hint();
  return error;
}

}  // namespace runed::os
