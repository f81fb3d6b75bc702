#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bootstrap/config/environment.hpp"

namespace runed::daemon {

/// Who had the daemon started. What its process inherits is meant where it was a user or a service
/// manager (`nice`, `taskset`, systemd's Nice= and CPUAffinity=), and chance where it was a client.
enum class Starter { user, client };

/// What is to be known of the process from then on.
struct Detached {
  std::vector<std::string> inherited;  // What it could not shed, for people: `niceness 5`.
  std::function<bool()> is_abandoned;  // Tells that the client has gone; empty if there was none.
};

/// Frees the daemon from the process that started it: from its working directory always, and, if
/// that was a client, which is another's as soon as it is everybody's daemon, from priority, CPUs,
/// limits, signals and standard input too. The environment may tell that it was a client.
/// Needs:  no other thread runs yet, and every path is absolute by now.
Detached detach(Starter starter, const bootstrap::Environment& environment);

}  // namespace runed::daemon
