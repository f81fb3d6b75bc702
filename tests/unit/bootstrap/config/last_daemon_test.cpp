#include "bootstrap/config/last_daemon.hpp"

#include "os/file/files.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::bootstrap::LastDaemon;
using runed::bootstrap::Origin;
using runed::bootstrap::read_last_daemon;
using runed::bootstrap::write_last_daemon;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::write_text;

TEST_CASE("what a daemon left is read again") {
  const TempDir dir;
  const std::string path = dir / "daemon.json";
  unwrap(write_last_daemon(path, dir / "dead.json",
                           {.pid = 7, .settings = {{"model", "/m.gguf", Origin::flag}}}));
  const auto daemon = read_last_daemon(path);
  REQUIRE(daemon.has_value());
  CHECK(daemon->pid == 7);
  REQUIRE(daemon->settings.size() == 1);
  CHECK(daemon->settings.front().key == "model");
  CHECK(daemon->settings.front().value == "/m.gguf");
  CHECK(daemon->settings.front().origin == Origin::flag);
}

TEST_CASE("what a daemon left that died is put aside by its successor, and no longer than that") {
  const TempDir dir;
  const std::string path = dir / "daemon.json";
  const std::string dead_path = dir / "dead.json";
  unwrap(write_last_daemon(path, dead_path, {.pid = 7, .settings = {}}));
  CHECK_FALSE(read_last_daemon(dead_path).has_value());
  unwrap(write_last_daemon(path, dead_path, {.pid = 8, .settings = {}}));
  CHECK(read_last_daemon(dead_path)->pid == 7);
  CHECK(read_last_daemon(path)->pid == 8);
  unwrap(runed::os::remove_file(path));  // It ended in order.
  unwrap(write_last_daemon(path, dead_path, {.pid = 9, .settings = {}}));
  CHECK_FALSE(read_last_daemon(dead_path).has_value());
}

TEST_CASE("what cannot be read tells of no daemon") {
  const TempDir dir;
  const std::string path = dir / "daemon.json";
  CHECK_FALSE(read_last_daemon(path).has_value());
  for (const char* text : {"", "[]", "{", R"({"pid":1})", R"({"pid":"1","settings":[]})",
                           R"({"pid":1,"settings":{}})", R"({"pid":1,"settings":[1]})"}) {
    CAPTURE(text);
    write_text(path, text);
    CHECK_FALSE(read_last_daemon(path).has_value());
  }
}
