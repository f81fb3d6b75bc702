#pragma once

#include <optional>
#include <string>
#include <vector>

#include "os/process/child.hpp"

namespace runed::bench {

/// The runed and the llama-server that are measured.
struct Programs {
  std::string runed;
  std::string llama_server;
};

/// A fresh home whose runed uses one engine. No daemon of it outlives the object.
class BenchHome {
 public:
  BenchHome(const Programs& programs, const std::string& engine,
            std::vector<std::string> variables = {});
  ~BenchHome();
  BenchHome(const BenchHome&) = delete;
  BenchHome& operator=(const BenchHome&) = delete;

  /// Starts `runed serve`, which dies with this program, and waits until it is ready.
  void serve();
  /// Runs a command, which must end well.
  void run(std::vector<std::string> arguments) const;
  /// Ends the daemon and waits until it is gone.
  void shut_down() const;

  std::string socket_path() const { return directory_ + "/home/embedding.sock"; }
  std::string daemon_log() const;
  int daemon_pid() const;

 private:
  os::Child start(std::vector<std::string> arguments) const;

  std::string runed_;
  std::string directory_;
  std::vector<std::string> environment_;
  std::optional<os::Child> daemon_;
};

/// Returns the processes whose parent is this one, those that ended and were not reaped included.
std::vector<int> children_of(int pid);

}  // namespace runed::bench
