#pragma once

#include <csignal>
#include <string>
#include <vector>

#include "os/net/unix_socket.hpp"
#include "os/process/child.hpp"
#include "os/process/process.hpp"
#include "support/eventually.hpp"
#include "support/stand_in.hpp"

namespace runed::test {

/// A stand-in that listens on a socket of its own.
class RunningStandIn {
 public:
  explicit RunningStandIn(std::vector<std::string> modes = {})
      : child_(unwrap(
            os::Child::spawn({.arguments = {write(std::move(modes)), "--host", socket()}}))) {
    REQUIRE(
        eventually([&] { return os::dial_unix(socket(), std::chrono::seconds(1)).has_value(); }));
  }

  std::string socket() const { return dir_ / "x.sock"; }
  os::Child& child() { return child_; }
  StandInRecord record() const { return read_record(dir_ / "record"); }

  void kill() {
    unwrap(os::signal_process(child_.pid(), SIGKILL));
    REQUIRE(unwrap(child_.wait(std::chrono::seconds(10))).has_value());
  }

 private:
  std::string write(std::vector<std::string> modes) const {
    modes.insert(modes.begin(), "record=" + dir_ / "record");  // A test may name another one.
    return write_stand_in(dir_ / "llama-server", modes);
  }

  TempDir dir_;
  os::Child child_;
};

}  // namespace runed::test
