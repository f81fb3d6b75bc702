#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>

#include "base/clock.hpp"
#include "bootstrap/config/environment.hpp"
#include "os/process/signals.hpp"

namespace runed::cmd {

/// What a command uses of the outside. `main` builds the real one, tests their own.
struct Services {
  const Clock& clock;
  bootstrap::Environment environment;
  int stdin_fd;                                   // Borrowed.
  std::ostream& out;                              // Results.
  std::ostream& err;                              // Everything else.
  bool err_is_terminal;                           // Whether `err` can be drawn on.
  size_t out_columns = 0;                         // Of the terminal that `out` is; 0: it is none.
  std::function<void(const Error&)> end_process;  // Reports what does not return. Any thread.
  os::SignalWatcher* signals;  // For commands that end in order; null for those that just die.
};

}  // namespace runed::cmd
