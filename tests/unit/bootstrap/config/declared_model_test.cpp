#include "bootstrap/config/declared_model.hpp"

#include "base/json.hpp"
#include "bootstrap/config/config_file.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::bootstrap::ConfigFile;
using runed::bootstrap::DeclaredModel;
using runed::bootstrap::find_models_declared_twice;
using runed::bootstrap::find_name_fault;
using runed::bootstrap::KeepAlive;
using runed::bootstrap::parse_config;
using runed::bootstrap::parse_keep_alive;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

ConfigFile with_models(const std::string& models) {
  return parse_config("c.json", R"({"models":)" + models + "}");
}

}  // namespace

TEST_CASE("a time to keep a model is a duration, 0 or always, and is shown as it is written") {
  for (const char* text : {"always", "0", "90s", "1h30m"}) {
    CAPTURE(text);
    const KeepAlive keep_alive = unwrap(parse_keep_alive(text));
    CHECK(unwrap(parse_keep_alive(to_text(keep_alive))) == keep_alive);
  }
  CHECK(unwrap(parse_keep_alive("always")).is_always);
  CHECK(unwrap(parse_keep_alive("0s")) == KeepAlive{.duration = 0s});
  CHECK(to_text(KeepAlive{.duration = 90min}) == "1h30m");
  CHECK(to_text(KeepAlive{}) == "0");
  for (const char* text : {"", "-1", "-5m", "10", "forever", "Always"}) {
    CAPTURE(text);
    const auto error = unwrap_error(parse_keep_alive(text));
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK(error.message == std::string("invalid time to keep a model '") + text + "'");
    CHECK(error.hint ==
          "write a duration, such as 30m or 1h30m, 0 to give its memory back as soon as nobody "
          "waits, or always");
  }
}

TEST_CASE("declared models have a variant or a path, and are sorted by name") {
  const ConfigFile config = with_models(
      R"({"notes":{"variant":"q8_0"},"_why":7,"mine":{"path":"m.gguf","keep_alive":"1h","$ref":1},)"
      R"("always":{"variant":"builtin:runed-mini","keep_alive":"always"},)"
      R"("gone":{"path":"~/g.gguf","keep_alive":0}})");
  CHECK(config.faults.empty());
  CHECK(config.has_models);
  CHECK(config.models ==
        std::vector<DeclaredModel>{
            {.name = "always",
             .variant = "builtin:runed-mini",
             .keep_alive = KeepAlive{.is_always = true}},
            {.name = "gone", .path = "~/g.gguf", .keep_alive = KeepAlive{}},
            {.name = "mine", .path = "m.gguf", .keep_alive = KeepAlive{.duration = 1h}},
            {.name = "notes", .variant = "q8_0"},
        });
  CHECK(runed::to_line(to_json(config.models)) ==
        R"({"always":{"variant":"builtin:runed-mini","keep_alive":"always"},)"
        R"("gone":{"path":"~/g.gguf","keep_alive":"0"},)"
        R"("mine":{"path":"m.gguf","keep_alive":"1h"},"notes":{"variant":"q8_0"}})");
  CHECK(to_json(std::vector<DeclaredModel>()).is_null());
  CHECK_FALSE(parse_config("c.json", "{}").has_models);
  CHECK(with_models("{}").has_models);
}

TEST_CASE("a declared model that is wrong is told with its key, and what is meant") {
  struct Case {
    const char* models;
    const char* why;
    const char* hint;
  };
  const std::string entry =
      R"(write {"variant": "NAME"} for one of the manifest or of models/, or {"path": "FILE"})";
  const std::vector<Case> cases{
      {R"(["notes"])", "models: expected an object, found an array",
       R"(write {"NAME": {"variant": "q8_0"}}, with an entry for each model)"},
      {R"({"notes":"q8_0"})", "models.notes: expected an object, found a string", entry.c_str()},
      {R"({"notes":{}})", "models.notes: expected either variant or path, found neither",
       entry.c_str()},
      {R"({"notes":{"variant":"a","path":"b"}})",
       "models.notes: expected either variant or path, found both", entry.c_str()},
      {R"({"notes":{"variant":7}})", "models.notes.variant: expected a string, found a number",
       entry.c_str()},
      {R"({"notes":{"path":""}})", "models.notes.path: expected a string, found one that is empty",
       entry.c_str()},
      {R"({"notes":{"variant":"/a/b.gguf"}})", "models.notes.variant: '/a/b.gguf' is a path",
       "name it with 'path'"},
      {R"({"notes":{"variant":"a","keepalive":"1h"}})", "models.notes: unknown key 'keepalive'",
       "did you mean 'keep_alive'?"},
      {R"({"notes":{"variant":"a","colour":"red"}})", "models.notes: unknown key 'colour'",
       "the keys are variant, path, keep_alive"},
      {R"({"notes":{"variant":"a","keep_alive":true}})",
       "models.notes.keep_alive: expected a string or a number, found a boolean",
       R"(write a duration, such as "30m", or "0" or "always")"},
      {R"({"notes":{"variant":"a","keep_alive":300}})",
       "models.notes.keep_alive: invalid time to keep a model '300'",
       "write a duration, such as 30m or 1h30m, 0 to give its memory back as soon as nobody waits, "
       "or "
       "always"},
  };
  for (const auto& [models, why, hint] : cases) {
    CAPTURE(models);
    const ConfigFile config = with_models(models);
    CHECK(config.models.empty());
    REQUIRE(config.faults.size() == 1);
    CHECK(config.faults[0].code == ErrorCode::bad_config);
    CHECK(config.faults[0].message == std::string("cannot use 'c.json': ") + why);
    CHECK(config.faults[0].hint == hint);
  }
}

TEST_CASE("what is right beside a declared model that is wrong is read") {
  const ConfigFile config =
      with_models(R"({"a":{"variant":"x"},"b":{"variant":1,"colour":2},"c/":{}})");
  REQUIRE(config.models.size() == 1);
  CHECK(config.models[0].name == "a");
  CHECK(config.faults.size() == 3);
}

TEST_CASE("a name cannot be taken for anything else") {
  for (const char* name : {"notes", "Notes 2", "gguf", "a:b", "text-embedding-3-small", "größe"}) {
    CAPTURE(name);
    CHECK_FALSE(find_name_fault(name).has_value());
  }
  CHECK_FALSE(find_name_fault(std::string(128, 'a')).has_value());
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "it is empty"},
      {"a/b", "it would be taken for a path"},
      {"m.gguf", "it would be taken for a path"},
      {"builtin:x", "it would be taken for a model in the executable"},
      {"sha256:00", "it would be taken for the identity of a model"},
      {"a\nb", "it has a control character"},
      {"a\x7f", "it has a control character"},
      {std::string(129, 'a'), "it has 129 bytes, more than 128"},
  };
  for (const auto& [name, why] : cases) {
    CAPTURE(name);
    CHECK(find_name_fault(name) == why);
  }
  const ConfigFile config = with_models(R"({"a\nb":{"variant":"x"}})");
  REQUIRE(config.faults.size() == 1);
  CHECK(config.faults[0].message ==
        R"(cannot use 'c.json': models: 'a\x0ab' cannot be the name of a model: it has a control )"
        "character");
}

TEST_CASE("a model that is declared under two names is told") {
  const auto twice = find_models_declared_twice("c.json", {{.name = "a", .path = "/m.gguf"},
                                                           {.name = "b", .variant = "q8_0"},
                                                           {.name = "c", .path = "/m.gguf"},
                                                           {.name = "d", .variant = "f16"}});
  REQUIRE(twice.size() == 1);
  CHECK(twice[0].code == ErrorCode::bad_config);
  CHECK(twice[0].message ==
        "cannot use 'c.json': models.c: it is the model that models.a names too");
}
