#include "bootstrap/paths.hpp"

#include <sys/stat.h>

#include "support/fake_environment.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::bootstrap::make_directories;
using runed::bootstrap::resolve_paths;
using runed::test::FakeEnvironment;
using runed::test::mode_of;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;

TEST_CASE("the home is the flag's, then RUNED_HOME, then .runed in the user's") {
  const FakeEnvironment both{{"RUNED_HOME", "/r"}, {"HOME", "/h"}};
  CHECK(unwrap(resolve_paths(both, "/f")).home == "/f");
  CHECK(unwrap(resolve_paths(both, std::nullopt)).home == "/r");
  const FakeEnvironment empty{{"RUNED_HOME", ""}, {"HOME", "/h"}};
  CHECK(unwrap(resolve_paths(empty, std::nullopt)).home == "/h/.runed");
  CHECK(unwrap(resolve_paths(FakeEnvironment{{"HOME", "/h"}}, std::nullopt)).home == "/h/.runed");
}

TEST_CASE("relative paths are taken from the working directory") {
  const std::string here = std::filesystem::current_path().string();
  const FakeEnvironment environment{{"RUNED_HOME", "a/../b/"}, {"RUNED_CONFIG", "my.json"}};
  const auto paths = unwrap(resolve_paths(environment, std::nullopt, "d.sock"));
  CHECK(paths.home == here + "/b");
  CHECK(paths.config_file == here + "/my.json");
  CHECK(paths.socket == here + "/d.sock");
}

TEST_CASE("the layout is the predecessor's") {
  const auto paths = unwrap(resolve_paths(FakeEnvironment{{"RUNED_HOME", "/r"}}, std::nullopt));
  CHECK(paths.socket == "/r/embedding.sock");
  CHECK(paths.config_file == "/r/config.json");
  CHECK(paths.installed_file == "/r/installed.json");
  CHECK(paths.install_lock == "/r/install.lock");
  CHECK(paths.spawn_lock == "/r/spawn.lock");
  CHECK(paths.daemon_lock == "/r/daemon.lock");
  CHECK(paths.llama_cpp_dir == "/r/bin/llama-cpp");
  CHECK(paths.models_dir == "/r/models");
  CHECK(paths.cache_dir == "/r/cache");
  CHECK(paths.licenses_dir == "/r/licenses");
  CHECK(paths.daemon_log == "/r/logs/daemon.log");
  CHECK(paths.llama_server_log == "/r/logs/llama-server.log");
  CHECK(paths.llama_server_socket == "/r/llama-server.sock");
  CHECK(paths.builtin_model_copy == "/r/cache/runed-mini.gguf");
  CHECK(paths.centroids == "/r/cache/centroids.bin");
}

TEST_CASE("directories are made private, and loose ones are tightened") {
  const TempDir dir;
  std::filesystem::create_directories(dir / "home/models");
  REQUIRE(::chmod((dir / "home").c_str(), 0755) == 0);
  REQUIRE(::chmod((dir / "home/models").c_str(), 0777) == 0);
  const auto paths = unwrap(resolve_paths(FakeEnvironment{}, dir / "home"));
  unwrap(make_directories(paths));
  unwrap(make_directories(paths));
  for (const auto* name : {"", "/bin", "/bin/llama-cpp", "/models", "/logs", "/cache"}) {
    CAPTURE(name);
    CHECK(mode_of(paths.home + name) == 0700);
  }
}

TEST_CASE("the home may be a link to a directory, and not to anything else") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "disk");
  std::filesystem::create_symlink(dir / "disk", dir / "home");
  unwrap(make_directories(unwrap(resolve_paths(FakeEnvironment{}, dir / "home"))));
  CHECK(mode_of(dir / "disk") == 0700);
  CHECK(mode_of(dir / "disk/logs") == 0700);
  runed::test::write_text(dir / "file", "x");
  const auto paths = unwrap(resolve_paths(FakeEnvironment{}, dir / "file"));
  CHECK(unwrap_error(make_directories(paths)).message ==
        "cannot use '" + (dir / "file") + "': not a directory");
}
