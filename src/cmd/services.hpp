#pragma once

#include <iosfwd>

#include "base/clock.hpp"
#include "bootstrap/environment.hpp"
#include "os/signals.hpp"

namespace runed::cmd {

/// What a command uses of the outside. `main` builds the real one, tests their own.
struct Services {
  const Clock& clock;
  bootstrap::Environment environment;
  int stdin_fd;                // Borrowed.
  std::ostream& out;           // Results.
  std::ostream& err;           // Everything else.
  os::SignalWatcher* signals;  // For `serve`; null for other commands.
};

}  // namespace runed::cmd
