#pragma once

#include "base/log.hpp"

namespace runed::daemon {

/// While it lives, what gRPC and protobuf have to say becomes lines of our log: where in their source
/// they say it, and not the text, in which there can be a header's value or a part of a message.
/// Afterwards they say nothing: standard error may be a file of JSON lines.
/// Needs: one at a time.
class LibraryLogs {
 public:
  explicit LibraryLogs(Log& log);
  LibraryLogs(const LibraryLogs&) = delete;
  LibraryLogs& operator=(const LibraryLogs&) = delete;
  ~LibraryLogs();
};

}  // namespace runed::daemon
