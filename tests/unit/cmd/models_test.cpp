#include "cmd/models.hpp"

#include <filesystem>

#include "base/json.hpp"
#include "command_fixture.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::Json;
using runed::cmd::ExitCode;
using runed::cmd::run_models;
using runed::test::CommandFixture;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

Json list_as_json(CommandFixture& fixture) {
  fixture.out.str("");
  CHECK(unwrap(run_models({.json = true}, fixture.services)) == ExitCode::ok);
  return unwrap(runed::parse_json(fixture.out.str()));
}

std::vector<std::string> names_of(const Json& document) {
  std::vector<std::string> names;
  for (const Json& model : document["models"]) names.push_back(model["name"]);
  return names;
}

}  // namespace

TEST_CASE("without a daemon the models are listed that the next one would have") {
  CommandFixture fixture;
  CHECK(unwrap(run_models({}, fixture.services)) == ExitCode::ok);
  CHECK(fixture.out.str() ==
        "NAME                          STATE        DIMENSIONS  SIZE  MEMORY  ENGINE  LAST USED  "
        "KEPT\n"
        "builtin:runed-mini (default)  not_running  -           -     -       -       -          "
        "-\n");
  CHECK(fixture.err.str().empty());
  const Json document = list_as_json(fixture);
  CHECK(document["running"] == false);
  REQUIRE(document["models"].size() == 1);
  CHECK(document["models"][0]["names"] == Json{"builtin:runed-mini", "runed-mini"});
  CHECK(document["models"][0]["path"].is_null());
  CHECK(document["models"][0]["file_bytes"].is_null());
}

TEST_CASE("the default model comes first, then the others by their names") {
  CommandFixture fixture;
  write_text(fixture.home + "/models/tiny.q8_0.gguf", std::string(2048, 'x'));
  write_text(fixture.home + "/models/large.f16.gguf", "x");
  write_text(fixture.home + "/config.json",
             R"({"model_variant": "q8_0",
                 "models": {"zebra": {"path": "/m/z.gguf"}, "notes": {"variant": "f16"}}})");
  const Json document = list_as_json(fixture);
  CHECK(names_of(document) ==
        std::vector<std::string>{"tiny.q8_0", "builtin:runed-mini", "notes", "zebra"});
  const Json& tiny = document["models"][0];
  CHECK(tiny["default"] == true);
  CHECK(tiny["variant"] == "tiny.q8_0");
  CHECK(tiny["path"] == fixture.home + "/models/tiny.q8_0.gguf");
  CHECK(tiny["file_bytes"] == 2048);
  const Json& notes = document["models"][2];
  CHECK(notes["default"] == false);
  CHECK(notes["names"] == Json{"notes", "large.f16"});
  CHECK(document["models"][3]["path"] == "/m/z.gguf");
  CHECK(document["models"][3]["file_bytes"].is_null());  // Nothing is there.
}

TEST_CASE("a file that is the default model is listed by its name") {
  CommandFixture fixture;
  const std::string file = fixture.directory / "mine.gguf";
  write_text(file, "x");
  write_text(fixture.home + "/config.json", Json{{"model", file}}.dump());
  const Json document = list_as_json(fixture);
  CHECK(names_of(document) == std::vector<std::string>{"mine", "builtin:runed-mini"});
  CHECK(document["models"][0]["default"] == true);
  CHECK(document["models"][0]["path"] == file);
  CHECK(document["models"][0]["variant"].is_null());
}

TEST_CASE("a setting that is wrong is noted, and the models are listed all the same") {
  CommandFixture fixture;
  write_text(fixture.home + "/config.json", R"({"threads": "many"})");
  CHECK(names_of(list_as_json(fixture)) == std::vector<std::string>{"builtin:runed-mini"});
  CHECK(fixture.err.str().find("threads") != std::string::npos);
}

TEST_CASE("a default model that is not there is an error of the list") {
  CommandFixture fixture;
  write_text(fixture.home + "/config.json", R"({"model": "/nowhere/m.gguf"})");
  const auto error = unwrap_error(run_models({}, fixture.services));
  CHECK(error.code == ErrorCode::model_missing);
  CHECK(error.message == "there is no model file '/nowhere/m.gguf'");
  CHECK(fixture.out.str().empty());
}

TEST_CASE("the size of a directory is that of the files that matter") {
  CommandFixture fixture;
  std::filesystem::create_directories(fixture.home + "/mine");
  write_text(fixture.home + "/mine/config.json", "{}");
  write_text(fixture.home + "/mine/model.safetensors", "weights");
  write_text(fixture.home + "/mine/README.md", "of no matter");
  write_text(fixture.home + "/config.json", R"({"models": {"mine": {"path": "mine/"}}})");
  const Json document = list_as_json(fixture);
  CHECK(names_of(document) == std::vector<std::string>{"builtin:runed-mini", "mine"});
  CHECK(document["models"][1]["path"] == fixture.home + "/mine");
  CHECK(document["models"][1]["file_bytes"] == 9);
}
