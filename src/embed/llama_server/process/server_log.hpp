#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "embed/llama_server/process/last_lines.hpp"
#include "os/file/fd.hpp"
#include "os/file/rotating_file.hpp"
#include "os/net/wakeup.hpp"

namespace runed::embed::llama_server {

/// Reads what a child prints, for as long as it lives, into a log and the memory of its last lines;
/// and sees its end. Nothing that the child prints, and no disk that is full, stops the reading: a
/// child that nobody reads would block. Its functions may be called by any thread.
class ServerLog {
 public:
  struct Options {
    std::string path;
    uint64_t limit_bytes = uint64_t{8} << 20;  // Of one file.
    int keep = 2;                              // Old files.
  };

  /// Starts to read. `output` is the reading end of the child's pipe. `exit_fd` is borrowed from
  /// the child and can be read once it has ended. Then what it left in the pipe is read too, and
  /// `on_exit` is called, once, by the thread of this object: it must not destroy it.
  /// Errors: io if there is no thread to be had.
  static Result<std::unique_ptr<ServerLog>> start(os::Fd output, int exit_fd, Options options,
                                                  std::function<void()> on_exit);
  ServerLog(const ServerLog&) = delete;
  ServerLog& operator=(const ServerLog&) = delete;

  /// Stops reading, whoever still holds the pipe, and waits for an `on_exit` under way. If the
  /// child has ended, what it left is read and `on_exit` called before. If not, it never is.
  ~ServerLog();

  /// Waits until the child has ended and all that it printed was read; false when the time is over.
  bool wait_for_exit(std::chrono::milliseconds timeout);

  /// Returns the last lines, at most so many, oldest first.
  std::vector<std::string> last_lines(size_t most) const;

  /// Writes all the last lines to a file beside the log, `x.crash.log` for `x.log`. Above them is
  /// when the child ended, and `how`: `2026-11-21T08:30:00.125Z llama-server exited with code 1`.
  /// Errors: `cannot write '<path>': <reason>`.
  Status keep_crash_copy(std::string_view how) const;

 private:
  ServerLog(os::Fd output, int exit_fd, Options options, std::function<void()> on_exit);

  void run();
  void read_what_is_left();
  bool read_once();
  void write_to_file(std::string_view bytes);
  Status try_to_write(std::string_view bytes);

  // The thread's alone.
  os::Fd output_;  // Closed once nobody can write to it any more.
  const int exit_fd_;
  const Options options_;
  const std::function<void()> on_exit_;
  std::optional<os::RotatingFile> file_;
  uint64_t lost_bytes_ = 0;  // Not in the log, since it could last be written.

  os::Wakeup stop_;
  mutable std::mutex mutex_;  // Guards what the thread found out, the next two.
  LastLines lines_;
  std::optional<SystemTime> ended_at_;
  std::condition_variable ended_;
  std::thread thread_;
};

}  // namespace runed::embed::llama_server
