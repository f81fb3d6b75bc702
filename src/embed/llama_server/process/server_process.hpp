#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "embed/llama_server/process/server_log.hpp"
#include "os/process/child.hpp"

namespace runed::embed::llama_server {

/// A llama-server as a process: started, looked at from outside, and ended. Dies with the thread
/// that started it.
class ServerProcess {
 public:
  enum class Stage { starting, serving };

  struct Options {
    std::vector<std::string> arguments;    // The first is the executable's path.
    std::vector<std::string> environment;  // KEY=VALUE.
    std::string log_path;                  // What it prints goes there.
    std::function<void()> on_end;          // Called by another thread if it ends unasked.
  };

  /// Errors: as os::Child::spawn, and those of the log.
  static Result<std::unique_ptr<ServerProcess>> start(Options options);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  int pid() const { return child_.pid(); }
  bool has_ended() const { return has_ended_; }

  /// Waits for it to end by itself.
  bool wait_for_end(std::chrono::milliseconds timeout);

  /// Says how it ended, and ends what is left of its group: engine_killed if somebody else ended it,
  /// else as describe_fault. One that ends with code 0 while it starts was not asked to.
  /// Needs: it has ended.
  Error how_it_ended(Stage stage = Stage::serving);

  /// Makes the engine_died error for a fault, with the end of what it printed; the last lines are
  /// kept beside the log.
  Error describe_fault(const std::string& fault) const;

  /// CPU time that it and its threads have used.
  std::chrono::milliseconds cpu_time() const;

  /// Memory of its own, in RAM or swapped out.
  uint64_t anonymous_bytes() const;

  /// The port on the loopback that it listens on.
  std::optional<uint16_t> find_port() const;

  /// Ends it and its group: asks, and after `grace` kills.
  void stop(std::chrono::milliseconds grace);

 private:
  ServerProcess(os::Child child, Options options);

  const Options options_;
  const uint64_t oom_kills_;  // On this machine before it started.
  std::atomic<bool> has_ended_{false};
  std::atomic<bool> is_stopping_{false};
  os::Child child_;
  std::unique_ptr<ServerLog> log_;  // Last: its thread uses the members above.
};

}  // namespace runed::embed::llama_server
