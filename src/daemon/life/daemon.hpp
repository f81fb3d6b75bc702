#pragma once

#include <functional>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "daemon/api/api.hpp"
#include "daemon/models/model_pool.hpp"
#include "os/process/signals.hpp"

namespace runed::daemon {

struct DaemonOptions {
  std::string home;            // For the log.
  std::string socket_path;     // Where to listen, alias applied.
  std::string lock_path;       // Held for the daemon's life.
  ModelPool::Options models;   // But for what the daemon adds: whom to tell.
  /// As of ServiceHooks.
  std::function<Result<ModelDeclaration>(const std::string& path,
                                         const std::function<bool()>& is_ending)>
      look_at_file{};
  std::function<Result<Reloaded>(ModelPool&)> reload{};
  std::function<void()> on_begin{};  // Called once the lock is held.
  std::function<void()> on_end{};    // Called by one that is told to end, or gives up.
  std::function<int(const Error&)> exit_code_of{};  // Of a daemon that gave up and cannot return.
  std::function<bool()> is_abandoned{};             // As of SingletonOptions.
  ServiceInfo service;
};

/// How a daemon's life ended, when not by an error.
enum class Outcome {
  stopped,          // A signal, the Shutdown RPC, or eviction; requests under way were answered.
  already_running,  // Another daemon serves this socket.
};

/// Serves until told to stop. The lock is taken first and released last; the socket listens before
/// the model is fetched or loaded. Once told to stop it ends in bounded time, whatever its clients
/// do: what does not return is left behind by ending the process, and so it is on a second signal.
/// Errors: unavailable if another process holds the lock or the socket without serving;
///         permission_denied and io from the socket; the maker's and the engine's own when the
///         model cannot be fetched or loaded.
Result<Outcome> run_daemon(DaemonOptions options, os::SignalWatcher& signals, const Clock& clock,
                           Log& log);

}  // namespace runed::daemon
