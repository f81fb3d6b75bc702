#pragma once

#include <vector>

#include "runed_process.hpp"

namespace runed::test {

/// Finds every process, whoever's child it is by now, that was started as the llama-server of this
/// home: told to listen (`--host`) and given a path in the home. A zombie has no command line.
std::vector<int> engine_processes(const Home& home);

/// Waits until the home has one such process and returns it; fails the test after ten seconds.
int engine_process(const Home& home);

/// Tells whether a process has a child that ended and was not reaped.
bool has_zombie(int parent);

}  // namespace runed::test
