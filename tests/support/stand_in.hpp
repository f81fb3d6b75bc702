#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/json.hpp"
#include "os/file/files.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace runed::test {

/// Writes an executable at `path` that plays llama-server in these modes, such as `slow=20`, and
/// returns the path. stand_in/modes.cpp lists them; a mode that it does not know ends it with code 2.
inline std::string write_stand_in(const std::string& path,
                                  const std::vector<std::string>& modes = {}) {
  std::string script = "#!/bin/sh\nunset PWD OLDPWD\nexec '" RUNED_STAND_IN "'";
  for (const std::string& mode : modes) script += fmt::format(" --mode '{}'", mode);
  write_text(path, script + " \"$@\"\n");
  unwrap(os::set_mode(path, 0700));
  return path;
}

/// What a stand-in in the mode `record=FILE` left in that file.
struct StandInRecord {
  std::vector<Json> starts;    // {"pid", "arguments", "environment"}
  std::vector<Json> requests;  // {"connection", "method", "path", "authorization", "body"}

  /// Returns the bodies of the requests for a path.
  std::vector<Json> bodies(const std::string& path) const {
    std::vector<Json> found;
    for (const Json& request : requests) {
      if (request["path"] == path) found.push_back(request["body"]);
    }
    return found;
  }
};

/// Reads it; lines that are being written are left out, and there may be no file yet.
inline StandInRecord read_record(const std::string& path) {
  StandInRecord record;
  const std::string content = read_text(path);
  for (size_t begin = 0, end = 0; (end = content.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    Json line = unwrap(parse_json(std::string_view(content).substr(begin, end - begin)));
    (line.contains("pid") ? record.starts : record.requests).push_back(std::move(line));
  }
  return record;
}

}  // namespace runed::test
