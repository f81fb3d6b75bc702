#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"

namespace runed::bootstrap {

/// The home and the directories in it that things are put into.
std::vector<std::string> home_directories(const Paths& paths);

/// Checks that a directory may be a home: it is not there yet; or it is this user's, nobody else
/// may write to it, and what is in it is ours. That is so if it has a file that marks a home,
/// whatever lies beside it, and otherwise if nothing in it has another name than a home's things
/// have. Links are followed to the directory they lead to.
/// Errors: permission_denied, with what was found and what to do.
Status check_home(const std::string& home);

/// The same, and that nobody else may write to the directories in it, as far as they are there.
/// Errors: permission_denied, with the command that mends it.
Status check_directories(const Paths& paths);

/// Checks, and changes nothing, that make_directories would succeed, and that files can be made in
/// the home and where the daemon's log is.
/// Errors: permission_denied, with what was found and what to do; io.
Status check_usable(const Paths& paths);

/// Creates the home if it is not there, with mode 0700, and checks it.
/// Errors: as check_home; io.
Status make_home(const std::string& home);

/// The same with the directories in it. The modes of those that are there do not change. Any may be
/// a link to a directory of the user's, such as `models` on a larger disk.
/// Errors: as check_directories; io.
Status make_directories(const Paths& paths);

/// Creates the directory of the logs in a home, and checks that it is ours.
/// Errors: as make_home.
Status make_logs_directory(const std::string& path);

}  // namespace runed::bootstrap
