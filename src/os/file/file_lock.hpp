#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "os/file/fd.hpp"

namespace runed::os {

/// Holds an exclusive flock on a file, which is created with mode 0600 and never removed: removing
/// it would let two processes lock two files of one name. The kernel frees the lock of a process
/// that dies. Two locks of one process exclude each other as well.
class FileLock {
 public:
  FileLock(FileLock&&) = default;
  FileLock& operator=(FileLock&&) = default;
  ~FileLock() { release(); }

  /// Takes the lock if it is free; empty if it is not. The file then has the process's id and,
  /// behind a blank, the `note`.
  static Result<std::optional<FileLock>> try_acquire(const std::string& path,
                                                     std::string_view note = {});

  /// Takes the lock, waiting for it for as long as `timeout`.
  /// Errors: deadline_exceeded naming the holder.
  static Result<FileLock> acquire(const std::string& path, std::chrono::milliseconds timeout);

  /// Tells whether somebody holds the lock; false if there is no such file. Takes nothing and
  /// writes nothing, but for an instant a try_acquire elsewhere may find the lock taken.
  static bool is_held(const std::string& path);

  /// Reads the process id that a holder left in the file. It is empty after a release; after a
  /// crash it names a process that is gone.
  static std::optional<int> read_holder(const std::string& path);

  /// Names the holder in a sentence: `process 7`, or `another process` where it left no id.
  static std::string describe_holder(const std::string& path);

  /// Reads the note that a holder left behind its id; as true as the id is. Empty if there is none.
  static std::string read_note(const std::string& path);

  /// Frees the lock. Does nothing the second time.
  void release();

 private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace runed::os
