#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "os/process/process.hpp"
#include "runed_process.hpp"
#include "support/left_out.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::Finished;
using runed::test::Home;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::write_text;
namespace fs = std::filesystem;

namespace {

constexpr int kNotAllowed = 77;

void set_mode(const std::string& path, unsigned mode) {
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

unsigned full_mode_of(const std::string& path) {
  return static_cast<unsigned>(fs::status(path).permissions());
}

std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.insert(entry.path().filename());
  return names;
}

// Every command that could put something into a home, or remove something.
const std::vector<std::vector<std::string>> kUses{
    {"embed", "x"},           {"embed", "--direct", "x"},  {"embed", "--ids", "x"},
    {"serve"},                {"install", "--model-only"}, {"install", "--list"},
    {"gc"},                   {"gc", "--dry-run"},         {"install", "--export", "b.tar"},
};

void check_refused(Home& home, const std::string& directory, const std::string& message,
                   const std::string& hint) {
  const auto names = names_in(directory);
  const unsigned mode = full_mode_of(directory);
  for (std::vector<std::string> command : kUses) {
    command.insert(command.end(), {"--home", directory});
    const Finished done = home.run(command);
    CAPTURE(command, done.err);
    CHECK(done.exit_code == kNotAllowed);
    CHECK(done.out.empty());
    CHECK(done.err.find(message) != std::string::npos);
    CHECK(done.err.find(hint) != std::string::npos);
  }
  const Finished verified = home.run({"verify", "--home", directory});
  CHECK(verified.exit_code == 76);
  CHECK(verified.out.find("failed  home") == 0);
  CHECK(verified.out.find(message) != std::string::npos);
  CHECK(home.run({"verify", "--fix", "--home", directory}).exit_code == kNotAllowed);
  const Finished doctor = home.run({"doctor", "--home", directory});
  CHECK(doctor.exit_code == 5);
  CHECK(doctor.out.find(message) != std::string::npos);
  CHECK(doctor.out.find(hint) != std::string::npos);
  CHECK(home.run({"status", "--home", directory}).exit_code == 3);
  CHECK(home.run({"shutdown", "--force", "--home", directory}).exit_code == 0);
  CHECK(names_in(directory) == names);
  CHECK(full_mode_of(directory) == mode);
}

void check_used(Home& home, const std::string& directory) {
  const Finished done = home.run({"embed", "--home", directory, "x"});
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  CHECK(home.run({"verify", "--home", directory}).exit_code == 0);
  CHECK(home.run({"shutdown", "--wait", "20", "--home", directory}).exit_code == 0);
}

// Makes a directory outside the home.
std::string make_directory(Home& home, const std::string& name, unsigned mode = 0755) {
  fs::create_directories(home.file(name));
  set_mode(home.file(name), mode);
  return home.file(name);
}

}  // namespace

TEST_CASE("a directory that anybody may write to is refused, and is not changed", "[home]") {
  Home home;
  const std::string d = make_directory(home, "d", 01777);
  check_refused(home, d, "other users may write there", "run: chmod go-w '" + d + "'");
  set_mode(d, 01755);
  check_used(home, d);
  CHECK(full_mode_of(d) == 01755);
}

TEST_CASE("a directory that a group may write to is refused", "[home]") {
  Home home;
  const std::string d = make_directory(home, "d", 02775);
  check_refused(home, d, "other users may write there", "chmod go-w '" + d + "'");
}

TEST_CASE("a directory with one file of somebody else's is refused", "[home]") {
  Home home;
  const std::string d = make_directory(home, "d");
  write_text(d + "/thesis.tex", "years of work");
  check_refused(home, d, "it has other things in it: 'thesis.tex'", "--home or RUNED_HOME");
  CHECK(read_text(d + "/thesis.tex") == "years of work");
}

TEST_CASE("a user's own home directory is no home of ours", "[home]") {
  Home home;
  const std::string user = make_directory(home, "user", 0700);
  write_text(user + "/.bashrc", "");
  fs::create_directories(user + "/models");
  home.set("HOME", user);
  home.set("RUNED_HOME", user);
  const Finished done = home.run({"embed", "x"});
  CHECK(done.exit_code == kNotAllowed);
  CHECK(done.err.find("'.bashrc'") != std::string::npos);
  CHECK(names_in(user) == std::set<std::string>{".bashrc", "models"});
}

TEST_CASE("what gc would remove of ours stays in a directory that is not", "[home]") {
  Home home;
  const std::string d = make_directory(home, "d");
  write_text(d + "/thesis.tex", "x");
  fs::create_directories(d + "/logs");
  write_text(d + "/logs/my.log.1", "x");
  CHECK(home.run({"gc", "--home", d}).exit_code == kNotAllowed);
  CHECK(fs::exists(d + "/logs/my.log.1"));
}

TEST_CASE("a home that its user filled beforehand is taken as it is", "[home]") {
  Home home;
  const std::string d = make_directory(home, "d", 0755);
  make_directory(home, "d/models", 0750);
  write_text(d + "/config.json", R"({"idle_timeout":"1h"})");
  check_used(home, d);
  CHECK(full_mode_of(d) == 0755);
  CHECK(full_mode_of(d + "/models") == 0750);
  CHECK(mode_of(d + "/logs") == 0700);
}

// Source: the predecessor, B-240 and B-241: its client makes both before it starts a daemon.
TEST_CASE("a home that the predecessor's client began is ours", "[home]") {
  Home home;
  const std::string d = make_directory(home, "d", 0700);
  write_text(d + "/spawn.lock", "");
  make_directory(home, "d/logs", 0700);
  write_text(d + "/logs/daemon.log", "");
  check_used(home, d);
}

TEST_CASE("a home that is ours may have other things in it", "[home]") {
  Home home;
  REQUIRE(home.run({"embed", "x"}).exit_code == 0);
  REQUIRE(home.run({"shutdown", "--wait", "20"}).exit_code == 0);
  write_text(home / "notes.txt", "x");
  check_used(home, home.path());
  CHECK(fs::exists(home / "notes.txt"));
  set_mode(home.path(), 0770);
  check_refused(home, home.path(), "other users may write there", "chmod go-w");
}

TEST_CASE("a home may be a link to a good directory", "[home]") {
  Home home;
  const std::string disk = make_directory(home, "disk", 0711);
  fs::create_directory_symlink(disk, home.file("link"));
  check_used(home, home.file("link"));
  CHECK(fs::exists(disk + "/daemon.lock"));
  CHECK(full_mode_of(disk) == 0711);
  set_mode(disk, 0777);
  CHECK(home.run({"embed", "--home", home.file("link"), "x"}).err.find("chmod go-w '" + disk) !=
        std::string::npos);
}

TEST_CASE("models may be on another disk", "[home]") {
  Home home;
  const std::string disk = make_directory(home, "disk", 0755);
  write_text(disk + "/of another program", "x");
  fs::create_directories(home.path());
  fs::create_directory_symlink(disk, home / "models");
  check_used(home, home.path());
  CHECK(full_mode_of(disk) == 0755);
  set_mode(disk, 0775);
  const Finished done = home.run({"embed", "x"});
  CHECK(done.exit_code == kNotAllowed);
  CHECK(done.err.find("chmod go-w '" + disk + "'") != std::string::npos);
}

TEST_CASE("a directory of another user is refused, to root too", "[home]") {
  if (::geteuid() != 0) {
    runed::test::leave_out("only root can give a directory away");
    return;
  }
  Home home;
  const std::string d = make_directory(home, "d", 0755);
  REQUIRE(::chown(d.c_str(), 65534, 65534) == 0);
  check_refused(home, d, "it belongs to user 65534", "chown -R 0 '" + d + "'");
}

TEST_CASE("nothing that a home of somebody else's names is run", "[home]") {
  Home home;
  const std::string d = make_directory(home, "d", 0777);
  write_text(d + "/evil", "#!/bin/sh\ntouch " + home.file("ran") + "\n");
  set_mode(d + "/evil", 0755);
  write_text(d + "/config.json",
             R"({"runed_binary":")" + d + R"(/evil","llama_server":")" + d + R"(/evil"})");
  for (const std::vector<std::string>& command : {std::vector<std::string>{"embed", "x"},
                                                  {"embed", "--direct", "x"},
                                                  {"verify", "--deep"},
                                                  {"doctor"},
                                                  {"serve"}}) {
    auto arguments = command;
    arguments.insert(arguments.end(), {"--home", d});
    CHECK(home.run(arguments).exit_code != 0);
  }
  CHECK_FALSE(fs::exists(home.file("ran")));
}

TEST_CASE("a socket may be in a directory of somebody else's, which stays as it is", "[home]") {
  Home home;
  const std::string d = make_directory(home, "d", 01777);
  write_text(d + "/thesis.tex", "x");
  const std::string socket = d + "/new/run/runed.sock";
  REQUIRE(home.run({"embed", "--socket", socket, "x"}).exit_code == 0);
  CHECK(full_mode_of(d) == 01777);
  CHECK(full_mode_of(d + "/new") == 0700);
  CHECK(full_mode_of(d + "/new/run") == 0700);
  CHECK(home.run({"shutdown", "--wait", "20", "--socket", socket}).exit_code == 0);
  CHECK(names_in(d) == std::set<std::string>{"new", "thesis.tex"});
}
