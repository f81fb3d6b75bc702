#include "os/fd.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace runed::os {
namespace {

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
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

Error os_error(int error_number, std::string what) {
  std::string reason = std::generic_category().message(error_number);
  if (!reason.empty()) reason[0] = static_cast<char>(std::tolower(reason[0]));
  return make_error(code_of(error_number), "{}: {}", what, reason);
}

}  // namespace runed::os
