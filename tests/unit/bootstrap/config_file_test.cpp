#include "bootstrap/config_file.hpp"

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::bootstrap::Presence;
using runed::bootstrap::read_config_file;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

TEST_CASE("known keys are read, empty ones are ignored") {
  const TempDir dir;
  write_text(dir / "config.json",
             R"({"version":1,"engine":"native","model":"","idle_timeout":"5m"})");
  const auto config = unwrap(read_config_file(dir / "config.json", Presence::required));
  CHECK(config.values ==
        std::map<std::string, std::string>{{"engine", "native"}, {"idle_timeout", "5m"}});
  CHECK(config.find("engine") == "native");
  CHECK_FALSE(config.find("model").has_value());
}

TEST_CASE("an unknown key is refused with the nearest one") {
  const TempDir dir;
  write_text(dir / "config.json", R"({"version":1,"modle":"/m.gguf"})");
  const auto misspelt = unwrap_error(read_config_file(dir / "config.json", Presence::optional));
  CHECK(misspelt.code == ErrorCode::bad_config);
  CHECK(misspelt.message == "cannot use '" + (dir / "config.json") + "': unknown key 'modle'");
  CHECK(misspelt.hint == "did you mean 'model'?");
  write_text(dir / "config.json", R"({"colour":7})");
  const auto strange = unwrap_error(read_config_file(dir / "config.json", Presence::optional));
  CHECK(strange.message == "cannot use '" + (dir / "config.json") + "': unknown key 'colour'");
  CHECK(strange.hint.find("the keys are engine, model, model_variant, ") == 0);
}

TEST_CASE("an absent version is taken for 1") {
  const TempDir dir;
  write_text(dir / "config.json", R"({"model":"/m.gguf"})");
  CHECK(unwrap(read_config_file(dir / "config.json", Presence::required)).find("model") ==
        "/m.gguf");
}

TEST_CASE("a missing config is empty, unless it was asked for") {
  const TempDir dir;
  CHECK(unwrap(read_config_file(dir / "none", Presence::optional)).values.empty());
  const auto error = unwrap_error(read_config_file(dir / "none", Presence::required));
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
      {R"([])", "expected an object, found an array"},
      {R"({} {})", "invalid JSON at byte 4"},
      {R"({"model":"a)", "invalid JSON at byte 12"},
      {"", "invalid JSON at byte 1"},
      {R"({"colour":1e999})", "invalid JSON at byte 15: a number is out of range"},
  };
  for (const auto& [text, why] : cases) {
    CAPTURE(text);
    write_text(dir / "config.json", text);
    const auto error = unwrap_error(read_config_file(dir / "config.json", Presence::optional));
    CHECK(error.code == ErrorCode::bad_config);
    CHECK(error.message == "cannot use '" + (dir / "config.json") + "': " + why);
  }
}
