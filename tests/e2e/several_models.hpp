#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "runed_process.hpp"
#include "support/result_matchers.hpp"

namespace runed::test {

/// What a daemon serves where nothing is installed, and two small models beside it.
inline const std::string kBuiltin = "builtin:runed-mini";
inline const std::string kTiny = RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.q8_0.gguf";
inline const std::string kOther = RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.f16.gguf";

inline constexpr int kModelError = 71;

inline std::vector<std::string> with_model(const std::string& model, const std::string& text) {
  return {"embed", "--json", "--model", model, text};
}

/// What the model of this file says of a text, without any daemon.
inline Json embed_directly(const std::string& file, const std::string& text) {
  Home home;
  const Finished done = home.run({"embed", "--json", "--direct", "--model", file, text});
  if (done.exit_code != 0) FAIL(done.err);
  return done.json();
}

/// Checks that one text was embedded by the model of the other document, and nothing else was said.
inline void check_is_of(const Finished& done, const Json& expected) {
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.err.empty());
  const Json document = done.json();
  CHECK(document["model_identity"] == expected["model_identity"]);
  CHECK(cosine(vector_of(document, 0), vector_of(expected, 0)) >= 0.9999);
}

/// Writes config.json.
inline void configure(const Home& home, const Json& config) {
  std::filesystem::create_directories(home.path());
  std::filesystem::permissions(home.path(), std::filesystem::perms::owner_all);
  write_text(home / "config.json", to_line(config));
}

/// A declaration in `models` of config.json.
inline Json path_entry(const std::string& path) {
  return Json{{"path", path}};
}

/// `models --json`.
inline Json models_of(Home& home) {
  const Finished done = home.run({"models", "--json"});
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  return done.json();
}

/// Finds a model of such a list by one of its names; null if it is not there.
inline Json find_model(const Json& list, const std::string& name) {
  for (const Json& model : list["models"]) {
    for (const Json& each : model["names"]) {
      if (each == name) return model;
    }
  }
  return nullptr;
}
inline Json find_model(Home& home, const std::string& name) {
  return find_model(models_of(home), name);
}

}  // namespace runed::test
