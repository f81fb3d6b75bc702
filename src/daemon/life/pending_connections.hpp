#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "daemon/api/frontend.hpp"
#include "os/file/fd.hpp"

namespace runed::daemon {

/// The connections of which it is not known yet whose they are. It looks at their first bytes, leaves
/// them there, and gives each connection to the front end that claims it. One that nobody claims is
/// closed, and so is one whose peer says too little in time. It waits for none: whoever owns it does,
/// and one thread owns it.
class PendingConnections {
 public:
  static constexpr size_t kMost = 256;
  static constexpr std::chrono::seconds kPatience{20};
  /// Where there are too many, the oldest one makes room, but not before it has had so long.
  static constexpr std::chrono::seconds kLeastPatience{1};

  /// Needs: front ends that outlive it, one at least.
  PendingConnections(std::vector<Frontend*> frontends, const Clock& clock, Log& log);

  /// Tells whether one more can be added now.
  bool has_room() const;

  /// Adds a connection, and looks at it at once. `socket` is where it came from, for the log.
  /// Needs: has_room().
  void add(os::Fd connection, std::string socket);

  /// Looks at all of them.
  void look();

  /// Adds the descriptors that are to be looked at when they can be read.
  void append_fds(std::vector<int>& fds) const;

  /// Returns how long until they are to be looked at anyhow, or have room again; none: never.
  std::optional<std::chrono::milliseconds> time_left() const;

  size_t count() const { return connections_.size(); }

  /// Closes all of them.
  void close() { connections_.clear(); }

 private:
  struct Connection {
    os::Fd fd;
    std::string socket;
    SteadyTime since;
    bool has_begun = false;  // Its first bytes are here, and too few of them.
  };

  bool settle(Connection& connection);
  void settle_readable();
  void close_silent();
  std::chrono::nanoseconds age_of_oldest() const;

  const std::vector<Frontend*> frontends_;
  const Clock& clock_;
  Log& log_;
  std::vector<Connection> connections_;  // The oldest one first.
};

}  // namespace runed::daemon
