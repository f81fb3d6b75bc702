#include "bootstrap/model_choice.hpp"

#include <filesystem>

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::bootstrap::choose_model;
using runed::bootstrap::ModelChoice;
using runed::bootstrap::Origin;
using runed::bootstrap::Paths;
using runed::bootstrap::Settings;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

struct Fixture {
  Fixture() {
    paths.models_dir = dir / "models";
    std::filesystem::create_directories(paths.models_dir);
    for (const char* name : {"a.q8_0.gguf", "b.q8_0.gguf", "b.f16.gguf", "notes.txt"}) {
      write_text(paths.models_dir + "/" + name, "x");
    }
  }

  TempDir dir;
  Paths paths;
  Settings settings;
};

}  // namespace

TEST_CASE("told nothing, the model is the one in the executable") {
  Fixture fixture;
  const ModelChoice choice = unwrap(choose_model(fixture.paths, fixture.settings));
  CHECK(choice.variant == "builtin:runed-mini");
  CHECK(choice.path.empty());
}

TEST_CASE("a variant is found in full or by its last part") {
  Fixture fixture;
  fixture.settings.model_variant = {"a.q8_0", Origin::flag};
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).path ==
        fixture.paths.models_dir + "/a.q8_0.gguf");
  fixture.settings.model_variant = {"f16", Origin::flag};
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).variant == "b.f16");
}

TEST_CASE("a variant that could be several, or none, is answered with what there is") {
  Fixture fixture;
  fixture.settings.model_variant = {"q8_0", Origin::flag};
  const auto several = unwrap_error(choose_model(fixture.paths, fixture.settings));
  CHECK(several.code == ErrorCode::bad_config);
  CHECK(several.message == "variant 'q8_0' could be any of: a.q8_0, b.q8_0");
  fixture.settings.model_variant = {"../notes", Origin::flag};
  const auto none = unwrap_error(choose_model(fixture.paths, fixture.settings));
  CHECK(none.code == ErrorCode::model_missing);
  CHECK(none.hint.find("a.q8_0, b.f16, b.q8_0, builtin:runed-mini") != std::string::npos);
}

TEST_CASE("of a file and a variant the one named in the stronger place wins") {
  Fixture fixture;
  const std::string file = fixture.paths.models_dir + "/notes.txt";
  fixture.settings.model = {file, Origin::config};
  fixture.settings.model_variant = {"builtin:runed-mini", Origin::flag};
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).path.empty());
  fixture.settings.model_variant.origin = Origin::config;
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).path == file);
}

TEST_CASE("a file that is not there is missing, by its name") {
  Fixture fixture;
  fixture.settings.model = {"/no/such.gguf", Origin::environment};
  const auto error = unwrap_error(choose_model(fixture.paths, fixture.settings));
  CHECK(error.code == ErrorCode::model_missing);
  CHECK(error.message == "there is no model file '/no/such.gguf'");
}
