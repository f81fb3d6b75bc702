#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/result.hpp"
#include "os/process/child.hpp"

namespace runed::os {

/// What a program printed, on either stream, and how it ended.
struct Captured {
  ExitStatus status;
  std::string output;  // As far as it was kept.
};

/// Runs a program to its end and keeps the first `max_bytes` of what it prints. `options` names no
/// stdout or stderr.
/// Errors: as Child::spawn; deadline_exceeded if it does not end in time: it is killed then.
Result<Captured> run_and_capture(ChildOptions options, std::chrono::milliseconds timeout,
                                 size_t max_bytes);

}  // namespace runed::os
