#include "bootstrap/install/last_builtin.hpp"

#include <filesystem>

#include "support/read_file.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::bootstrap::note_builtin;
using runed::bootstrap::Paths;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::write_text;

namespace {

Paths paths_in(const TempDir& home) {
  Paths paths;
  paths.cache_dir = home / "cache";
  paths.daemon_log = home / "daemon.log";
  return paths;
}

std::string ready(const char* name) {
  return fmt::format(
      R"({{"time":"2026-11-30T23:15:28.027Z","level":"INFO","msg":"model ready","name":"{}","model":"m"}})"
      "\n",
      name);
}

}  // namespace

TEST_CASE("a built-in model that another one follows is told once") {
  const TempDir home;
  const Paths paths = paths_in(home);
  CHECK_FALSE(unwrap(note_builtin(paths, "small")).has_value());
  CHECK_FALSE(unwrap(note_builtin(paths, "small")).has_value());
  CHECK(unwrap(note_builtin(paths, "large")) == "small");
  CHECK_FALSE(unwrap(note_builtin(paths, "large")).has_value());
  CHECK(unwrap(note_builtin(paths, "small")) == "large");
}

TEST_CASE("which built-in model answered before the note was there is in the log") {
  const TempDir home;
  const Paths paths = paths_in(home);
  write_text(paths.daemon_log, ready("builtin:oldest") + ready("builtin:small") + ready("other"));
  CHECK(unwrap(note_builtin(paths, "large")) == "small");
  CHECK_FALSE(unwrap(note_builtin(paths, "large")).has_value());
}

TEST_CASE("a log without a built-in model tells of none") {
  const TempDir home;
  const Paths paths = paths_in(home);
  write_text(paths.daemon_log, ready("q8_0"));
  CHECK_FALSE(unwrap(note_builtin(paths, "large")).has_value());
}
