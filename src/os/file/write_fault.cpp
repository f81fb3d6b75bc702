#include "os/file/write_fault.hpp"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <utility>

#include "os/file/fd.hpp"

namespace runed::os {

Error write_fault(int fd, std::string what) {
  const int last = errno == 0 ? EIO : errno;
  const int mode = ::fcntl(fd, F_GETFL);
  // What fill_standard_descriptors puts in the place of one that was closed can only be read.
  if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY) {
    return make_error(ErrorCode::io, "{}: it is closed", what);
  }
  pollfd look{.fd = fd, .events = POLLOUT, .revents = 0};
  const bool has_no_reader = ::poll(&look, 1, 0) > 0 && (look.revents & POLLERR) != 0;
  Error error = os_error(has_no_reader ? EPIPE : last, "{}", what);
  error.code = ErrorCode::io;
  return error;
}

}  // namespace runed::os
