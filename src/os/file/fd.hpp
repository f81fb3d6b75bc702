#pragma once

#include <utility>

#include "base/result.hpp"

namespace runed::os {

/// Owns a file descriptor. A raw `int` elsewhere is only borrowed.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  /// Gives up ownership.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void close();

 private:
  int fd_ = -1;
};

/// Opens a file with O_CLOEXEC and, where it creates one, this mode.
/// Errors: `cannot open '<path>': <text of errno>`.
Result<Fd> open_fd(const std::string& path, int flags, unsigned mode = 0600);

/// The two ends of a pipe.
struct Pipe {
  Fd reader;
  Fd writer;
};
Result<Pipe> open_pipe();

/// Makes the Error of a file that would be larger than it may be, with where that limit is set.
Error too_large(std::string_view what);

/// Makes the Error of a failed system call, with the code that fits: the text of errno alone, for whoever
/// knows what it is about to say so (Error::in).
Error os_error(int error_number);

/// The same with what could not be done: `what: <text of errno>`. The number is taken before anything is
/// formatted, which could change errno.
template <typename... Args>
Error os_error(int error_number, fmt::format_string<Args...> what, Args&&... args) {
  return os_error(error_number).in(fmt::format(what, std::forward<Args>(args)...));
}

}  // namespace runed::os
