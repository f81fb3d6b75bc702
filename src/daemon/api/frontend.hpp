#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "os/file/fd.hpp"

namespace runed::daemon {

class Api;

/// What the first bytes of a connection are to a front end.
enum class Claim {
  none,       // Another's, whatever follows.
  undecided,  // More of them are needed to tell.
  ours,
};

/// A front end is shown no more of a connection than its first bytes, and has decided by then.
inline constexpr size_t kMostFirstBytes = 32;

/// A wire, as the daemon's life sees it: it speaks with the peers of the connections that it is given,
/// and asks the api what they ask. It opens no socket of its own.
class Frontend {
 public:
  Frontend() = default;
  Frontend(const Frontend&) = delete;
  Frontend& operator=(const Frontend&) = delete;
  virtual ~Frontend() = default;

  /// Begins to serve. Called once, before `take` and `end`.
  /// Owns: nothing; the api lives until `end` has returned.
  virtual void start(Api& api) = 0;

  /// Judges the first bytes of a connection, of which there may be one. What is claimed or not is so
  /// whatever follows. Any thread.
  virtual Claim judge(std::string_view first_bytes) const = 0;

  /// Takes a connected, non-blocking socket of which nothing was read. Does not wait for its peer.
  virtual void take(os::Fd connection) = 0;

  /// Tells whoever watches the health that it may have changed. Any thread, at any time.
  virtual void publish_health() {}

  /// Ends all connections. Their peers have so long to receive what was sent to them.
  virtual void end(std::chrono::milliseconds flush_time) = 0;
};

}  // namespace runed::daemon
