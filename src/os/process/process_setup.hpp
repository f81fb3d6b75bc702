#pragma once

#include <string>
#include <vector>

#include "os/file/fd.hpp"

namespace runed::os {

/// Leaves the working directory, so that what it lies on can be unmounted or removed, and makes
/// what this process creates private. Variables with paths that libraries read, and that were
/// relative to it, are made absolute.
/// Needs:  no other thread runs yet; paths of our own are absolute by now.
void leave_working_directory();

/// Takes from a process that will serve others too what it has of the one that started it: it gets
/// ordinary priority for CPU, disk and memory, every CPU that its cpuset allows, soft limits as high
/// as the hard ones (but for core files), and no signal ignored or blocked but SIGPIPE, SIGXFSZ
/// and those of a SignalWatcher. Returns, for people, what the system does not let it change: `niceness 5`.
/// Needs:  no other thread runs yet: most of these are of a thread, which new ones inherit.
std::vector<std::string> shed_inheritance();

/// Makes standard input /dev/null, and returns what it was; not open if it was closed.
Fd take_stdin();

}  // namespace runed::os
