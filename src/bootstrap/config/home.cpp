#include "bootstrap/config/home.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "base/text.hpp"
#include "os/directory/directories.hpp"
#include "os/directory/own_directory.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"
#include "os/process/process.hpp"

namespace runed::bootstrap {
namespace {

using os::HeldDirectory;

// What makes a directory a home. The predecessor's client writes the second before anything else.
constexpr std::array<std::string_view, 3> kMarks{"daemon.lock", "spawn.lock", "installed.json"};

// What else the predecessor or we put into one, or a user does beforehand. The last is the file
// system's, of a home that is a disk of its own.
constexpr std::array<std::string_view, 10> kNames{
    "bin",      "cache",        "config.json",       "embedding.sock", "install.lock",
    "licenses", "llama-server.sock", "logs", "models",         "lost+found",
};

constexpr size_t kMostNamed = 3;

constexpr unsigned kOwnersBits = 0700;

// What makes a directory that cannot be made or written to one that can. Root is not held by modes.
std::string advice_on(std::string path) {
  while (!os::is_taken(path) && path.size() > 1) path = os::parent_directory(path);
  const auto owner = os::file_owner(path);
  if (HeldDirectory::open(path) && owner && owner->uid != 0 && owner->uid == os::user_id() &&
      (owner->mode & kOwnersBits) != kOwnersBits) {
    return fmt::format("run: chmod u+rwx {}", shell_quoted(path));
  }
  return "name a directory that is yours or can be made, with --home or RUNED_HOME";
}

// Such a directory is refused, whatever the system calls it.
Error refused(const std::string& path, Error error) {
  if (error.code == ErrorCode::not_found) error.code = ErrorCode::permission_denied;
  if (error.hint.empty()) error.hint = advice_on(os::resolve_links(path));
  return error;
}

// Of those on the way, the link that leads nowhere.
Status find_dangling(std::string path) {
  for (; path.size() > 1; path = os::parent_directory(path)) {
    if (os::is_taken(path) && !os::exists(path)) TRY(HeldDirectory::open(path));
  }
  return {};
}

Status make_directory(const std::string& path) {
  Status made = os::make_missing_directories(os::resolve_links(path));
  if (made) return made;
  if (Status there = find_dangling(path); !there) made = std::move(there);
  return refused(path, std::move(made).error());
}

bool is_mark(std::string_view name) {
  return std::ranges::find(kMarks, name) != kMarks.end();
}

// A file that was never renamed to its place is of that name too.
bool is_of_a_home(const std::string& entry) {
  std::string_view name = entry;
  if (os::is_temporary_file(name)) name = name.substr(0, name.find(".tmp-"));
  return is_mark(name) || std::ranges::find(kNames, name) != kNames.end();
}

Status check_names(const HeldDirectory& home) {
  TRY_ASSIGN(const auto names, home.names());
  const auto marks = [&home](const std::string& name) {
    return is_mark(name) && os::is_regular_file(home.path() + "/" + name);
  };
  if (std::ranges::any_of(names, marks)) return {};
  std::string foreign;
  size_t count = 0;
  for (const std::string& name : names) {
    if (is_of_a_home(name)) continue;
    if (++count > kMostNamed) continue;
    foreign += fmt::format("{}'{}'", foreign.empty() ? "" : ", ", printable(name));
  }
  if (count == 0) return {};
  if (count > kMostNamed) foreign += fmt::format(" and {} more", count - kMostNamed);
  return make_error(ErrorCode::permission_denied,
                    "cannot use '{}' as the data directory: it has other things in it: {}",
                    home.path(), foreign)
      .with_hint("name a directory that is empty or not there yet, with --home or RUNED_HOME");
}

Result<HeldDirectory> open_home(const std::string& path) {
  auto opened = HeldDirectory::open(path);
  if (!opened && opened.error().code == ErrorCode::not_found) return opened;
  if (!opened) return refused(path, std::move(opened).error());
  HeldDirectory home = *std::move(opened);
  // First, so that nobody is told to change the owner or the mode of what is not ours.
  TRY(check_names(home));
  TRY(home.check_owner());
  return home;
}

// Which of the directories in a home are there. One that cannot be looked at, or a link that leads
// nowhere, is told of where it is needed.
Result<std::vector<HeldDirectory>> open_directories(const Paths& paths) {
  std::vector<HeldDirectory> directories;
  for (const std::string& path : home_directories(paths)) {
    if (path == paths.home || !os::exists(path)) continue;
    TRY_ASSIGN(HeldDirectory directory, HeldDirectory::open(os::resolve_links(path)));
    TRY(directory.check_owner());
    directories.push_back(std::move(directory));
  }
  return directories;
}

}  // namespace

std::vector<std::string> home_directories(const Paths& paths) {
  return {paths.home,       paths.bin_dir,  paths.llama_cpp_dir,
          paths.models_dir, paths.logs_dir, paths.cache_dir};
}

Status check_home(const std::string& home) {
  auto opened = open_home(os::resolve_links(home));
  if (!opened && opened.error().code == ErrorCode::not_found) return {};
  if (!opened) return std::move(opened).error();
  std::vector<HeldDirectory> directories;
  directories.push_back(*std::move(opened));
  return check_closed(directories);
}

Status check_directories(const Paths& paths) {
  auto home = open_home(os::resolve_links(paths.home));
  if (!home && home.error().code == ErrorCode::not_found) return {};
  if (!home) return std::move(home).error();
  TRY_ASSIGN(auto directories, open_directories(paths));
  directories.insert(directories.begin(), *std::move(home));
  return check_closed(directories);
}

Status check_usable(const Paths& paths) {
  TRY(check_directories(paths));
  for (const std::string& path : home_directories(paths)) {
    // What is only read may be where nobody can write.
    const bool is_written = path == paths.home || path == paths.logs_dir;
    if (!is_written && os::is_taken(path)) continue;
    if (Status makeable = os::check_can_make(os::resolve_links(path)); !makeable) {
      Error error = refused(path, std::move(makeable).error());
      error.message =
          fmt::format("cannot use '{}' as the data directory: {}", paths.home, error.message);
      return error;
    }
  }
  return {};
}

Status make_home(const std::string& home) {
  TRY(make_directory(home));
  return check_home(home);
}

Status make_logs_directory(const std::string& path) {
  TRY(make_directory(path));
  return os::check_own_directory(os::resolve_links(path));
}

Status make_directories(const Paths& paths) {
  TRY(make_home(paths.home));
  for (const std::string& path : home_directories(paths)) {
    TRY(make_directory(path));
  }
  return check_directories(paths);
}

}  // namespace runed::bootstrap
