#pragma once

#include <optional>
#include <string>
#include <vector>

#include "os/file/fd.hpp"

namespace runed::os {

// How a child dies with its parent. It must ask the kernel for that itself (PR_SET_PDEATHSIG):
// posix_spawn has no action for it, and nothing of use is allowed between fork and exec in a
// process with threads. So `Child::spawn` starts this executable once more. There `main` becomes
// the helper: it asks, makes sure that its parent still lives, and executes the program in its own
// place. Through a pipe it says that it runs and, if so, why the program does not start; the exec
// closes it.

/// Becomes the helper, and does not return, if that is what this process was started for. To be
/// called first thing in the `main` of each program whose children die with it.
void run_as_child_helper(int argc, char** argv);

/// The command that becomes another one, and the parent's view of it.
class ChildHelper {
 public:
  /// The descriptor on which the helper has its end of the pipe.
  static constexpr int kStatusFd = 3;

  /// Makes the command that becomes the program `arguments`, with an environment or with ours.
  static Result<ChildHelper> prepare(const std::vector<std::string>& arguments,
                                     const std::optional<std::vector<std::string>>& environment);

  const std::vector<std::string>& arguments() const { return arguments_; }
  const std::vector<std::string>& environment() const { return environment_; }
  int status_fd() const { return writer_.get(); }

  /// Waits until the helper, started by now, has become the program.
  /// Errors: `cannot start '<path>': <reason>`.
  Status wait_for_program();

 private:
  ChildHelper() = default;

  std::string path_;
  std::vector<std::string> arguments_;
  std::vector<std::string> environment_;
  Fd reader_;
  Fd writer_;
};

}  // namespace runed::os
