#pragma once

#include <mutex>
#include <string>

#include "os/file/fd.hpp"
#include "support/stand_in/connection.hpp"

namespace runed::test {

/// The file in which the stand-in says what it was given and asked, a JSON document a line: first
/// {"pid", "arguments", "environment"}, then {"connection", "method", "path", "authorization", "body"} each
/// time.
class Record {
 public:
  /// Writes nothing if `path` is empty.
  explicit Record(const std::string& path);

  void start(int argc, const char* const* argv);
  void request(const HttpRequest& request, int connection);

 private:
  void append(const std::string& line);

  os::Fd file_;
  std::mutex mutex_;  // Guards the file, so that lines stay whole.
};

}  // namespace runed::test
