#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/config/settings.hpp"

namespace runed::bootstrap {

/// What a daemon leaves on the disk while it runs, and removes when it ends in order: what is there
/// while none runs tells of one that died, and which settings died with it.
struct LastDaemon {
  int pid = 0;
  std::vector<SettingText> settings;
};

/// Writes it for the daemon that begins. What is there already is of one that has died: it goes to
/// `dead_path`, where otherwise nothing is left.
/// Errors: io.
Status write_last_daemon(const std::string& path, const std::string& dead_path,
                         const LastDaemon& daemon);

/// Reads it; none if there is none, or none that can be read: it is only for a note.
std::optional<LastDaemon> read_last_daemon(const std::string& path);

}  // namespace runed::bootstrap
