#include "bootstrap/config/home.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/fake_environment.hpp"
#include "support/left_out.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::bootstrap::check_directories;
using runed::bootstrap::check_home;
using runed::bootstrap::check_usable;
using runed::bootstrap::make_directories;
using runed::bootstrap::make_home;
using runed::bootstrap::Paths;
using runed::bootstrap::resolve_paths;
using runed::test::FakeEnvironment;
using runed::test::mode_of;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
namespace fs = std::filesystem;

namespace {

Paths paths_of(const std::string& home) {
  return unwrap(resolve_paths(FakeEnvironment{}, home));
}

void set_mode(const std::string& path, unsigned mode) {
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

}  // namespace

TEST_CASE("what is made is private, and what is there keeps its mode") {
  const TempDir dir;
  unwrap(make_directories(paths_of(dir / "new")));
  for (const auto* name : {"", "/bin", "/bin/llama-cpp", "/models", "/logs", "/cache"}) {
    CAPTURE(name);
    CHECK(mode_of(dir / "new" + name) == 0700);
  }
  fs::create_directories(dir / "old/models");
  set_mode(dir / "old", 0755);
  set_mode(dir / "old/models", 0750);
  unwrap(make_directories(paths_of(dir / "old")));
  unwrap(make_directories(paths_of(dir / "old")));
  CHECK(mode_of(dir / "old") == 0755);
  CHECK(mode_of(dir / "old/models") == 0750);
  CHECK(mode_of(dir / "old/logs") == 0700);
}

TEST_CASE("a directory with anything of somebody else's is not taken, and nothing is put there") {
  const TempDir dir;
  write_text(dir / "notes.txt", "mine");
  fs::create_directory(dir / "models");
  for (const auto& error :
       {unwrap_error(check_home(dir.path())), unwrap_error(make_home(dir.path())),
        unwrap_error(make_directories(paths_of(dir.path())))}) {
    CHECK(error.code == ErrorCode::permission_denied);
    CHECK(error.message == "cannot use '" + dir.path() +
                               "' as the data directory: it has other things in it: 'notes.txt'");
    CHECK(error.hint.find("--home") != std::string::npos);
  }
  CHECK(names_in(dir.path()).size() == 2);
  for (const char* name : {"a", "b", "c\n"}) write_text(dir / name, "");
  CHECK(unwrap_error(check_home(dir.path())).message.ends_with("'a', 'b', 'c\\x0a' and 1 more"));
}

TEST_CASE("names of a home, before it is marked, are those of its things") {
  const TempDir dir;
  const Paths paths = paths_of(dir / "home");
  // Each way a home can begin: by a user, by the predecessor, by us.
  for (const auto& names : std::vector<std::vector<std::string>>{
           {},
           {"config.json", "models"},
           {"bin", "models", "logs", "cache", "config.json", "install.lock", "licenses",
            "embedding.sock", "llama-server.sock", "lost+found"},
           {"installed.json.tmp-AbCdEf", "install.lock"}}) {
    fs::create_directory(paths.home);
    for (const std::string& name : names) write_text(paths.home + "/" + name, "");
    CAPTURE(names);
    unwrap(check_home(paths.home));
    fs::remove_all(paths.home);
  }
}

TEST_CASE("whatever we lay down in a home is a name of its own") {
  const TempDir dir;
  const Paths paths = paths_of(dir / "home");
  for (const std::string& path :
       {paths.socket, paths.daemon_lock, paths.spawn_lock, paths.install_lock, paths.config_file,
        paths.installed_file, paths.record_file, paths.bin_dir, paths.llama_cpp_dir,
        paths.models_dir, paths.logs_dir, paths.cache_dir, paths.licenses_dir, paths.daemon_log,
        paths.llama_server_log, paths.llama_server_socket, paths.builtin_model_copy,
        paths.centroids}) {
    const std::string name = *fs::relative(path, paths.home).begin();
    fs::create_directory(paths.home);
    fs::create_directory(paths.home + "/" + name);
    CAPTURE(name);
    // A mark is a file; the directory of its name is still no foreign one.
    unwrap(check_home(paths.home));
    fs::remove_all(paths.home);
  }
}

TEST_CASE("a home that is marked may have anything beside the mark") {
  for (const char* mark : {"daemon.lock", "spawn.lock", "installed.json"}) {
    const TempDir dir;
    write_text(dir / "mine.txt", "x");
    fs::create_directory(dir / mark);
    CHECK_FALSE(check_home(dir.path()).has_value());  // Of another kind, it marks nothing.
    fs::remove(dir / mark);
    write_text(dir / mark, "");
    unwrap(make_directories(paths_of(dir.path())));
  }
}

TEST_CASE("a home that others may write to is refused with one command for all of it") {
  const TempDir dir;
  const Paths paths = paths_of(dir / "home");
  unwrap(make_directories(paths));
  set_mode(paths.home, 01777);
  set_mode(paths.models_dir, 0770);
  const auto error = unwrap_error(check_directories(paths));
  CHECK(error.code == ErrorCode::permission_denied);
  CHECK(error.message ==
        fmt::format("cannot use '{}' (mode 1777), '{}' (mode 770): other users may write there",
                    paths.home, paths.models_dir));
  CHECK(error.hint == fmt::format("run: chmod go-w '{}' '{}'", paths.home, paths.models_dir));
  CHECK_FALSE(make_directories(paths).has_value());
  CHECK(mode_of(paths.models_dir) == 0770);
  REQUIRE(std::system(error.hint.substr(5).c_str()) == 0);
  unwrap(make_directories(paths));
}

TEST_CASE("nobody is told to change the mode or the owner of what is not a home") {
  const TempDir dir;
  write_text(dir / "mine.txt", "x");
  set_mode(dir.path(), 01777);
  CHECK(unwrap_error(check_home(dir.path())).hint.find("chmod") == std::string::npos);
  set_mode(dir.path(), 0700);
  if (::geteuid() != 0) {
    runed::test::say_lacking("root, who alone can give a directory away");
    return;
  }
  REQUIRE(::chown(dir.path().c_str(), 4711, 4711) == 0);
  CHECK(unwrap_error(check_home(dir.path())).hint.find("chown") == std::string::npos);
  fs::remove(dir / "mine.txt");
  CHECK(unwrap_error(check_home(dir.path())).message ==
        "cannot use '" + dir.path() + "': it belongs to user 4711");
}

TEST_CASE("the home may be a link to a directory, and not to anything else") {
  const TempDir dir;
  fs::create_directory(dir / "disk");
  fs::create_symlink(dir / "disk", dir / "home");
  unwrap(make_directories(paths_of(dir / "home")));
  CHECK(mode_of(dir / "disk/logs") == 0700);
  set_mode(dir / "disk", 0777);
  CHECK(unwrap_error(check_home(dir / "home")).hint == "run: chmod go-w '" + (dir / "disk") + "'");
  write_text(dir / "file", "x");
  CHECK(unwrap_error(make_directories(paths_of(dir / "file"))).message ==
        "cannot use '" + (dir / "file") + "': not a directory");
}

TEST_CASE("a directory of the home may be on another disk, and that disk may be missing") {
  const TempDir dir;
  fs::create_directories(dir / "home");
  fs::create_directories(dir / "disk");
  fs::create_symlink(dir / "disk", dir / "home/models");
  fs::create_symlink(dir / "not mounted", dir / "home/cache");
  const Paths paths = paths_of(dir / "home");
  unwrap(make_directories(paths));
  CHECK_FALSE(fs::exists(dir / "not mounted"));
  set_mode(dir / "disk", 0775);
  CHECK(unwrap_error(make_directories(paths)).hint == "run: chmod go-w '" + (dir / "disk") + "'");
}

TEST_CASE("a home is usable that can be made or written to, and nothing is left by the look") {
  const TempDir dir;
  const Paths paths = paths_of(dir / "a/b/home");
  unwrap(check_usable(paths));
  CHECK(names_in(dir.path()).empty());
  fs::create_directories(paths.models_dir);
  set_mode(paths.models_dir, 0500);  // It may lie where nobody can write.
  unwrap(check_usable(paths));
  CHECK(names_in(paths.home) == std::vector<std::string>{"models"});
}

TEST_CASE("where nothing can be made there is no home") {
  for (const char* path : {"/proc/none", "/sys/none", "/dev/null/none"}) {
    CAPTURE(path);
    const Paths paths = paths_of(path);
    const auto error = unwrap_error(check_usable(paths));
    CHECK(error.code == ErrorCode::permission_denied);
    CHECK(error.message.find(fmt::format("cannot use '{}' as the data directory: ", path)) == 0);
    CHECK(error.hint.find("--home") != std::string::npos);
    CHECK(unwrap_error(make_directories(paths)).code == ErrorCode::permission_denied);
  }
}

TEST_CASE("a link that leads nowhere is no directory, wherever in a home it is") {
  const TempDir dir;
  fs::create_symlink(dir / "gone", dir / "link");
  const std::string why = fmt::format("it is a link that leads nowhere, to '{}'", dir / "gone");
  for (const auto& error :
       {unwrap_error(check_home(dir / "link")), unwrap_error(check_usable(paths_of(dir / "link"))),
        unwrap_error(make_home(dir / "link"))}) {
    CHECK(error.code == ErrorCode::permission_denied);
    CHECK(error.message == fmt::format("cannot use '{}': {}", dir / "link", why));
  }
  for (const char* name : {"logs", "bin"}) {
    CAPTURE(name);
    const Paths paths = paths_of(dir / name);
    fs::create_directory(paths.home);
    fs::create_symlink(dir / "gone", paths.home + "/" + name);
    CHECK(unwrap_error(check_usable(paths)).message.ends_with(why));
  }
  CHECK(unwrap_error(make_directories(paths_of(dir / "bin"))).message.ends_with(why));
  const Paths paths = paths_of(dir / "logs");
  CHECK(unwrap_error(runed::bootstrap::make_logs_directory(paths.logs_dir)).message.ends_with(why));
}
