#include "os/process/capture.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "os/file/retry.hpp"
#include "os/net/poll.hpp"

namespace runed::os {
namespace {

using Milliseconds = std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

Milliseconds left(Clock::time_point deadline) {
  return std::max(std::chrono::ceil<Milliseconds>(deadline - Clock::now()), Milliseconds{0});
}

// Until the end of the stream; what exceeds `max_bytes` is read and dropped.
Result<std::string> read_until(int fd, Clock::time_point deadline, size_t max_bytes) {
  std::string text;
  std::array<char, 65536> buffer{};
  while (wait_readable(fd, left(deadline))) {
    const ssize_t count =
        retry_interrupted([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (count < 0) return os_error(errno, "cannot read what a program prints");
    if (count == 0) return text;
    text.append(buffer.data(), std::min(static_cast<size_t>(count), max_bytes - text.size()));
  }
  return make_error(ErrorCode::deadline_exceeded, "it does not end");
}

}  // namespace

Result<Captured> run_and_capture(ChildOptions options, Milliseconds timeout, size_t max_bytes) {
  const Clock::time_point deadline = Clock::now() + timeout;
  TRY_ASSIGN(Pipe pipe, open_pipe());
  options.stdout_fd = pipe.writer.get();
  options.stderr_fd = pipe.writer.get();
  TRY_ASSIGN(Child child, Child::spawn(options));
  pipe.writer.close();
  TRY_ASSIGN(std::string output, read_until(pipe.reader.get(), deadline, max_bytes));
  TRY_ASSIGN(const auto status, child.wait(left(deadline)));
  if (!status.has_value()) return make_error(ErrorCode::deadline_exceeded, "it does not end");
  return Captured{*status, std::move(output)};
}

}  // namespace runed::os
