#include "bootstrap/config/settings.hpp"

#include "base/json.hpp"
#include "support/fake_environment.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::bootstrap::EngineKind;
using runed::bootstrap::LlamaProfile;
using runed::bootstrap::load_settings;
using runed::bootstrap::NumberFormat;
using runed::bootstrap::Origin;
using runed::bootstrap::SettingFlags;
using runed::bootstrap::Settings;
using runed::test::FakeEnvironment;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

runed::Result<Settings> load(const TempDir& home, const FakeEnvironment& environment,
                             const SettingFlags& flags = {}) {
  return load_settings(unwrap(runed::bootstrap::resolve_paths(environment, home.path())),
                       environment, flags);
}

}  // namespace

TEST_CASE("without any word from outside, everything is the default") {
  const TempDir home;
  const Settings settings = unwrap(load(home, {}));
  CHECK(runed::to_line(to_json(settings)) ==
        R"({"engine":{"value":"auto","origin":"default"},)"
        R"("model":{"value":null,"origin":"default"},)"
        R"("model_variant":{"value":null,"origin":"default"},)"
        R"("manifest":{"value":"builtin:","origin":"default"},)"
        R"("llama_server":{"value":null,"origin":"default"},)"
        R"("llama_profile":{"value":"speed","origin":"default"},)"
        R"("runed_binary":{"value":null,"origin":"default"},)"
        R"("idle_timeout":{"value":"10m","origin":"default"},)"
        R"("ctx_size":{"value":null,"origin":"default"},)"
        R"("cpu":{"value":null,"origin":"default"},)"
        R"("compute":{"value":"auto","origin":"default"},)"
        R"("threads":{"value":null,"origin":"default"},)"
        R"("cache_mb":{"value":32,"origin":"default"},)"
        R"("memory_budget":{"value":null,"origin":"default"},)"
        R"("models":{"value":null,"origin":"default"},)"
        R"("socket":{"value":")" +
            (home / "embedding.sock") + R"(","origin":"default"}})");
}

TEST_CASE("a flag wins over the environment, which wins over config.json") {
  const TempDir home;
  runed::test::write_text(home / "config.json", R"({"idle_timeout":"1m","engine":"native"})");
  const auto timeout_of = [](const Settings& settings) { return settings.idle_timeout; };
  const auto config = timeout_of(unwrap(load(home, {})));
  CHECK(config.value == 1min);
  CHECK(config.origin == Origin::config);
  const FakeEnvironment environment{{"RUNED_IDLE_TIMEOUT", "2m"}, {"RUNED_ENGINE", ""}};
  const auto variable = timeout_of(unwrap(load(home, environment)));
  CHECK(variable.value == 2min);
  CHECK(variable.origin == Origin::environment);
  const auto flag = timeout_of(unwrap(load(home, environment, {{"idle_timeout", "3m"}})));
  CHECK(flag.value == 3min);
  CHECK(flag.origin == Origin::flag);
  // An empty variable is as good as none.
  CHECK(unwrap(load(home, environment)).engine.value == EngineKind::native);
}

TEST_CASE("every variable and every key is read") {
  const TempDir home;
  const Settings by_variable = unwrap(load(home, {{"RUNED_LLAMA_SERVER", "llama-server"},
                                                  {"RUNED_MODEL", "builtin:runed-mini"},
                                                  {"RUNED_MODEL_VARIANT", "q8_0"},
                                                  {"RUNED_MANIFEST", "https://m"},
                                                  {"RUNED_ENGINE", "llama-server"},
                                                  {"RUNED_LLAMA_PROFILE", "lowmem"},
                                                  {"RUNED_CTX_SIZE", "+512"},
                                                  {"RUNED_CACHE_MB", "0"},
                                                  {"RUNED_MEMORY_BUDGET", "2GiB"},
                                                  {"RUNED_CPU", "avx2"},
                                                  {"RUNED_COMPUTE", "bf16"},
                                                  {"RUNED_THREADS", "64"},
                                                  {"RUNED_SOCKET", "/s"}}));
  CHECK(by_variable.llama_server.value == "llama-server");
  CHECK(by_variable.model.value == "builtin:runed-mini");
  CHECK(by_variable.model_variant.value == "q8_0");
  CHECK(by_variable.manifest.value == "https://m");
  CHECK(by_variable.engine.value == EngineKind::llama_server);
  CHECK(by_variable.llama_profile.value == LlamaProfile::lowmem);
  CHECK(by_variable.ctx_size.value == 512U);
  CHECK(by_variable.cache_mb.value == 0U);
  CHECK(by_variable.memory_budget.value == uint64_t{2} << 30);
  CHECK(by_variable.cpu.value == "avx2");
  CHECK(by_variable.compute.value == NumberFormat::bf16);
  CHECK(by_variable.threads.value == 64U);
  CHECK(by_variable.socket.value == "/s");

  runed::test::write_text(
      home / "config.json",
      R"({"llama_server":"./l","model":"m.gguf","runed_binary":"runed","model_variant":"f16",)"
      R"("manifest":"https://c","engine":"native","socket":"d.sock","idle_timeout":"1h",)"
      R"("llama_profile":"lowmem","cache_mb":64,"compute":"int16","threads":"3",)"
      R"("memory_budget":"500MB"})");
  const Settings by_key = unwrap(load(home, {}));
  CHECK(by_key.llama_server.value == home / "l");
  CHECK(by_key.model.value == home / "m.gguf");
  CHECK(by_key.runed_binary.value == "runed");
  CHECK(by_key.model_variant.value == "f16");
  CHECK(by_key.manifest.value == "https://c");
  CHECK(by_key.engine.value == EngineKind::native);
  CHECK(by_key.cache_mb.value == 64U);
  CHECK(by_key.memory_budget.value == 500'000'000U);
  CHECK(by_key.compute.value == NumberFormat::int16);
  CHECK(by_key.threads.value == 3U);
  CHECK(by_key.llama_profile.value == LlamaProfile::lowmem);
  CHECK(by_key.socket.value == home / "d.sock");
  CHECK(by_key.idle_timeout.value == 1h);
}

TEST_CASE("a relative path starts where config.json is, elsewhere in the working directory") {
  const TempDir home;
  const std::string here = std::filesystem::current_path().string();
  runed::test::write_text(home / "config.json",
                          R"({"model":"../m.gguf","manifest":"m.json","llama_server":"bin/l"})");
  const Settings by_key = unwrap(load(home, {}));
  CHECK(by_key.model.value == std::filesystem::path(home.path()).parent_path().string() + "/m.gguf");
  CHECK(by_key.manifest.value == home / "m.json");
  CHECK(by_key.llama_server.value == home / "bin/l");
  const Settings by_variable = unwrap(load(home, {{"RUNED_MODEL", "m.gguf"}}));
  CHECK(by_variable.model.value == here + "/m.gguf");
  CHECK(unwrap(load(home, {}, {{"manifest", "m.json"}})).manifest.value == here + "/m.json");
}

TEST_CASE("a path may begin with the user's home, wherever it stands") {
  const TempDir home;
  runed::test::write_text(home / "config.json",
                          R"({"model":"~/m.gguf","runed_binary":"~/bin/runed"})");
  const Settings by_key = unwrap(load(home, {{"HOME", "/u"}}));
  CHECK(by_key.model.value == "/u/m.gguf");
  CHECK(by_key.runed_binary.value == "/u/bin/runed");
  const Settings by_variable = unwrap(load(home, {{"HOME", "/u"}, {"RUNED_SOCKET", "~/s"}}));
  CHECK(by_variable.socket.value == "/u/s");
}

TEST_CASE("an empty flag is an error, not a default") {
  const TempDir home;
  const auto error = unwrap_error(load(home, {}, {{"model_variant", ""}}));
  CHECK(error.code == ErrorCode::usage);
  CHECK(error.message == "--variant: the value is empty");
  CHECK(error.hint == "give a value, or leave the flag out");
}

TEST_CASE("settings are told as texts, with the place that each has its value from") {
  const TempDir home;
  for (const auto& [key, value, origin] :
       to_texts(unwrap(load(home, {{"RUNED_THREADS", "3"}}, {{"compute", "f32"}})))) {
    CAPTURE(key);
    if (key == "threads") {
      CHECK(value == "3");
      CHECK(origin == Origin::environment);
    } else if (key == "compute") {
      CHECK(value == "f32");
      CHECK(origin == Origin::flag);
    } else {
      CHECK(origin == Origin::default_value);
      CHECK(value.empty() == (key == "model" || key == "model_variant" || key == "llama_server" ||
                              key == "runed_binary" || key == "ctx_size" || key == "cpu" ||
                              key == "memory_budget" || key == "models"));
    }
  }
}

TEST_CASE("declared models are those of config.json, with paths that are absolute") {
  const TempDir home;
  runed::test::write_text(
      home / "config.json",
      R"({"models":{"there":{"path":"m/../a.gguf"},"his":{"path":"~/h.gguf"},"v":{"variant":"q8_0"}}})");
  const auto models = unwrap(load(home, {{"HOME", "/u"}})).models;
  CHECK(models.origin == Origin::config);
  REQUIRE(models.value.size() == 3);
  CHECK(models.value[0].path == "/u/h.gguf");
  CHECK(models.value[1].path == home / "a.gguf");
  CHECK(models.value[2].variant == "q8_0");
  const auto texts = to_texts(unwrap(load(home, {{"HOME", "/u"}})));
  const auto shown = std::ranges::find(texts, "models", &runed::bootstrap::SettingText::key);
  REQUIRE(shown != texts.end());
  CHECK(shown->value == R"({"his":{"path":"/u/h.gguf"},"there":{"path":")" + (home / "a.gguf") +
                            R"("},"v":{"variant":"q8_0"}})");

  runed::test::write_text(home / "config.json",
                          R"({"models":{"a":{"path":"m.gguf"},"b":{"path":"./m.gguf"}}})");
  const auto error = unwrap_error(load(home, {}));
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.message.ends_with("models.b: it is the model that models.a names too"));
}

TEST_CASE("a memory budget is a size") {
  const TempDir home;
  const auto flag = unwrap_error(load(home, {}, {{"memory_budget", "half"}}));
  CHECK(flag.code == ErrorCode::usage);
  CHECK(flag.message == "--memory-budget: invalid size 'half'");
  runed::test::write_text(home / "config.json", R"({"memory_budget":-1})");
  CHECK(unwrap_error(load(home, {})).message.ends_with("memory_budget: invalid size '-1'"));
}

TEST_CASE("an idle timeout of 0 or less is never") {
  const TempDir home;
  CHECK(unwrap(load(home, {{"RUNED_IDLE_TIMEOUT", "0"}})).idle_timeout.value == 0s);
  CHECK(unwrap(load(home, {{"RUNED_IDLE_TIMEOUT", "-5m"}})).idle_timeout.value == 0s);
}

TEST_CASE("a wrong value is refused with the place where it stands") {
  const TempDir home;
  const auto variable = unwrap_error(load(home, {{"RUNED_IDLE_TIMEOUT", "10"}}));
  CHECK(variable.code == ErrorCode::bad_config);
  CHECK(variable.message == "RUNED_IDLE_TIMEOUT: invalid duration '10'");
  CHECK(variable.hint.find("10m") != std::string::npos);

  const auto flag = unwrap_error(load(home, {}, {{"engine", "natve"}}));
  CHECK(flag.code == ErrorCode::usage);
  CHECK(flag.message == "--engine: unknown engine 'natve'");
  CHECK(flag.hint == "did you mean 'native'?");
  CHECK(unwrap_error(load(home, {{"RUNED_ENGINE", "warp"}})).hint ==
        "one of auto, native, llama-server");
  const auto profile = unwrap_error(load(home, {}, {{"llama_profile", "lowmen"}}));
  CHECK(profile.message == "--llama-profile: unknown profile 'lowmen'");
  CHECK(profile.hint == "did you mean 'lowmem'?");
  const auto compute = unwrap_error(load(home, {}, {{"compute", "fp32"}}));
  CHECK(compute.message == "--compute: unknown compute mode 'fp32'");
  CHECK(compute.hint == "did you mean 'f32'?");
  CHECK(unwrap_error(load(home, {{"RUNED_COMPUTE", "q8_0"}})).hint ==
        "one of auto, f32, bf16, int16, int8");

  runed::test::write_text(home / "config.json", R"({"idle_timeout":"soon"})");
  const auto key = unwrap_error(load(home, {}));
  CHECK(key.code == ErrorCode::bad_config);
  CHECK(key.message ==
        "cannot use '" + (home / "config.json") + "': idle_timeout: invalid duration 'soon'");
}

TEST_CASE("a context size is a whole number above 0") {
  const TempDir home;
  for (const char* text : {"0", "-1", "2k", "1.5", " 1", "4294967296"}) {
    CAPTURE(text);
    const auto error = unwrap_error(load(home, {{"RUNED_CTX_SIZE", text}}));
    CHECK(error.code == ErrorCode::bad_config);
    CHECK(error.message == std::string("RUNED_CTX_SIZE: invalid number of tokens '") + text + "'");
  }
}

TEST_CASE("every compute mode is known by the name that is shown for it") {
  const TempDir home;
  for (const char* name : {"auto", "f32", "bf16", "int16", "int8"}) {
    CHECK(name_of(unwrap(load(home, {{"RUNED_COMPUTE", name}})).compute.value) == name);
  }
}

TEST_CASE("a number of threads is from 1 to 64") {
  const TempDir home;
  for (const char* text : {"0", "65", "-1", "two", "2.5"}) {
    CAPTURE(text);
    const auto error = unwrap_error(load(home, {}, {{"threads", text}}));
    CHECK(error.code == ErrorCode::usage);
    CHECK(error.message == std::string("--threads: invalid number of threads '") + text + "'");
    CHECK(error.hint == "write a whole number from 1 to 64");
  }
  CHECK(unwrap(load(home, {{"RUNED_THREADS", "1"}})).threads.value == 1U);
}

TEST_CASE("a cache size is a whole number of MiB, at most a TiB") {
  const TempDir home;
  for (const char* text : {"-1", "32M", "1048577"}) {
    CAPTURE(text);
    const auto error = unwrap_error(load(home, {{"RUNED_CACHE_MB", text}}));
    CHECK(error.code == ErrorCode::bad_config);
    CHECK(error.message == std::string("RUNED_CACHE_MB: invalid number of MiB '") + text + "'");
  }
  CHECK(unwrap(load(home, {{"RUNED_CACHE_MB", "1048576"}})).cache_mb.value == 1U << 20);
}

TEST_CASE("RUNED_CONFIG names another file, which must exist") {
  const TempDir home;
  runed::test::write_text(home / "other.json", R"({"engine":"native"})");
  CHECK(unwrap(load(home, {{"RUNED_CONFIG", home / "other.json"}})).engine.value ==
        EngineKind::native);
  const auto error = unwrap_error(load(home, {{"RUNED_CONFIG", home / "none.json"}}));
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.message ==
        "cannot use '" + (home / "none.json") + "': there is no such file; RUNED_CONFIG names it");
}

TEST_CASE("origins have their names") {
  CHECK(name_of(Origin::flag) == "flag");
  CHECK(name_of(Origin::environment) == "environment");
  CHECK(name_of(Origin::config) == "config");
  CHECK(name_of(Origin::manifest) == "manifest");
  CHECK(name_of(Origin::default_value) == "default");
}

TEST_CASE("a setting that is wrong has its default, and the others are what is named") {
  const TempDir home;
  runed::test::write_text(home / "config.json",
                          R"({"threads":"many","idle_timeout":"1m","colour":"red"})");
  const FakeEnvironment environment{{"RUNED_ENGINE", "gpu"}, {"RUNED_COMPUTE", "f32"}};
  const auto found = runed::bootstrap::find_settings(
      unwrap(runed::bootstrap::resolve_paths(environment, home.path())), environment, {});
  CHECK(found.settings.idle_timeout.value == 1min);
  CHECK(found.settings.compute.value == NumberFormat::f32);
  CHECK(found.settings.engine.value == EngineKind::auto_select);
  CHECK(found.settings.engine.origin == Origin::default_value);
  CHECK_FALSE(found.settings.threads.value.has_value());
  REQUIRE(found.faults.size() == 3);
  CHECK(found.faults[0].message.ends_with("unknown key 'colour'"));
  CHECK(found.faults[1].message == "RUNED_ENGINE: unknown engine 'gpu'");
  CHECK(found.faults[2].message.ends_with("threads: invalid number of threads 'many'"));
  for (const auto& fault : found.faults) CHECK(fault.code == ErrorCode::bad_config);
  CHECK(unwrap_error(load(home, environment)).message == found.faults[0].message);
}
