#include "bootstrap/config/config_file.hpp"

#include <filesystem>

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::bootstrap::ConfigFile;
using runed::bootstrap::Presence;
using runed::bootstrap::read_config_file;
using runed::test::TempDir;
using runed::test::write_text;

namespace {

ConfigFile whole(ConfigFile config) {
  REQUIRE(config.faults.empty());
  return config;
}

runed::Error fault_of(const ConfigFile& config) {
  REQUIRE(config.faults.size() == 1);
  return config.faults.front();
}

}  // namespace

TEST_CASE("known keys are read, empty ones are ignored") {
  const TempDir dir;
  write_text(dir / "config.json",
             R"({"version":1,"engine":"native","model":"","idle_timeout":"5m"})");
  const auto config = whole(read_config_file(dir / "config.json", Presence::required));
  CHECK(config.values ==
        std::map<std::string, std::string>{{"engine", "native"}, {"idle_timeout", "5m"}});
  CHECK(config.find("engine") == "native");
  CHECK_FALSE(config.find("model").has_value());
}

TEST_CASE("a number may be written as one") {
  const TempDir dir;
  write_text(dir / "config.json",
             R"({"threads":4,"cache_mb":0,"memory_budget":1073741824,"_threads":8,"$schema":[]})");
  const auto config = whole(read_config_file(dir / "config.json", Presence::required));
  CHECK(config.values == std::map<std::string, std::string>{
                             {"threads", "4"}, {"cache_mb", "0"}, {"memory_budget", "1073741824"}});
}

TEST_CASE("an unknown key is refused with the nearest one") {
  const TempDir dir;
  write_text(dir / "config.json", R"({"version":1,"modle":"/m.gguf"})");
  const auto misspelt = fault_of(read_config_file(dir / "config.json", Presence::optional));
  CHECK(misspelt.code == ErrorCode::bad_config);
  CHECK(misspelt.message == "cannot use '" + (dir / "config.json") + "': unknown key 'modle'");
  CHECK(misspelt.hint == "did you mean 'model'?");
  write_text(dir / "config.json", R"({"colour":7})");
  const auto strange = fault_of(read_config_file(dir / "config.json", Presence::optional));
  CHECK(strange.message == "cannot use '" + (dir / "config.json") + "': unknown key 'colour'");
  CHECK(strange.hint.find("the keys are engine, model, model_variant, ") == 0);
}

TEST_CASE("an absent version is taken for 1") {
  const TempDir dir;
  write_text(dir / "config.json", R"({"model":"/m.gguf"})");
  CHECK(whole(read_config_file(dir / "config.json", Presence::required)).find("model") ==
        "/m.gguf");
}

TEST_CASE("a missing config is empty, unless it was asked for") {
  const TempDir dir;
  CHECK(whole(read_config_file(dir / "none", Presence::optional)).values.empty());
  const auto error = fault_of(read_config_file(dir / "none", Presence::required));
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.message ==
        "cannot use '" + (dir / "none") + "': there is no such file; RUNED_CONFIG names it");
}

TEST_CASE("a config that cannot be used names the file, the key and what was found") {
  const TempDir dir;
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"version":2})", "version: expected 1, found 2"},
      {R"({"version":1.5})", "version: expected 1, found 1.5"},
      {R"({"version":"1"})", "version: expected 1, found a string"},
      {R"({"version":null})", "version: expected 1, found null"},
      {R"({"version":true})", "version: expected 1, found a boolean"},
      {R"({"idle_timeout":10})", "idle_timeout: expected a string, found a number"},
      {R"({"engine":["native"]})", "engine: expected a string, found an array"},
      {R"({"model":{}})", "model: expected a string, found an object"},
      {R"({"threads":true})", "threads: expected a number or a string, found a boolean"},
      {R"({"cache_mb":[4]})", "cache_mb: expected a number or a string, found an array"},
      {R"({"memory_budget":{}})", "memory_budget: expected a number or a string, found an object"},
      {R"([])", "expected an object, found an array"},
      {R"({} {})", "invalid JSON at byte 4"},
      {R"({"model":"a)", "invalid JSON at byte 12"},
      {"", "invalid JSON at byte 1"},
      {R"({"colour":1e999})", "invalid JSON at byte 15: a number is out of range"},
  };
  for (const auto& [text, why] : cases) {
    CAPTURE(text);
    write_text(dir / "config.json", text);
    const auto error = fault_of(read_config_file(dir / "config.json", Presence::optional));
    CHECK(error.code == ErrorCode::bad_config);
    CHECK(error.message == "cannot use '" + (dir / "config.json") + "': " + why);
  }
}

TEST_CASE("what is right in a config that is wrong elsewhere is read, and every fault is told") {
  const TempDir dir;
  write_text(dir / "config.json",
             R"({"modle":"/m.gguf","socket":"/s.sock","idle_timeout":10,"engine":"native"})");
  const ConfigFile config = read_config_file(dir / "config.json", Presence::optional);
  CHECK(config.values ==
        std::map<std::string, std::string>{{"engine", "native"}, {"socket", "/s.sock"}});
  REQUIRE(config.faults.size() == 2);
  CHECK(config.faults[0].message.ends_with("unknown key 'modle'"));
  CHECK(config.faults[1].message.ends_with("idle_timeout: expected a string, found a number"));
}

TEST_CASE("a config that cannot be read is a fault of the configuration") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "directory");
  const runed::Error error = fault_of(read_config_file(dir / "directory", Presence::optional));
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.message ==
        "cannot open '" + (dir / "directory") + "': it is a directory, not a regular file");
  write_text(dir / "large", std::string((size_t{1} << 20) + 1, ' '));
  CHECK(fault_of(read_config_file(dir / "large", Presence::optional)).code ==
        ErrorCode::bad_config);
}
