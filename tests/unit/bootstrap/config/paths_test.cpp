#include "bootstrap/config/paths.hpp"

#include <filesystem>

#include "support/fake_environment.hpp"
#include "support/result_matchers.hpp"

using runed::bootstrap::resolve_paths;
using runed::test::FakeEnvironment;
using runed::test::unwrap;

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
  CHECK(paths.builtin_model_copy == "/r/cache/builtin.gguf");
  CHECK(paths.centroids == "/r/cache/centroids.bin");
}
