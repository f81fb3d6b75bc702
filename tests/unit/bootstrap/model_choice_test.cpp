#include "bootstrap/model_choice.hpp"

#include <filesystem>

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::bootstrap::check_installed;
using runed::bootstrap::choose_model;
using runed::bootstrap::ModelChoice;
using runed::bootstrap::Origin;
using runed::bootstrap::Paths;
using runed::bootstrap::Settings;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

using Kind = ModelChoice::Kind;

namespace {

struct Fixture {
  Fixture() {
    paths.models_dir = dir / "models";
    paths.installed_file = dir / "installed.json";
    settings.manifest.value = "builtin:";
    std::filesystem::create_directories(paths.models_dir);
    std::filesystem::create_symlink("/nonexistent", paths.models_dir + "/dangling.gguf");
    for (const char* name : {"a.q8_0.gguf", "b.q8_0.gguf", "b.f16.gguf", "notes.txt"}) {
      write_text(paths.models_dir + "/" + name, "x");
    }
  }

  TempDir dir;
  Paths paths;
  Settings settings;
};

}  // namespace

TEST_CASE("told nothing, and with nothing installed, the model is the one in the executable") {
  Fixture fixture;
  fixture.paths.models_dir = fixture.dir / "empty";
  const ModelChoice choice = unwrap(choose_model(fixture.paths, fixture.settings));
  CHECK(choice.kind == Kind::builtin);
  CHECK(choice.variant == "builtin:runed-mini");
  CHECK(choice.origin == Origin::default_value);
  CHECK(choice.is_installed());
}

TEST_CASE("told nothing, the variant installed last is served") {
  Fixture fixture;
  const auto error = unwrap_error(choose_model(fixture.paths, fixture.settings));
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.message ==
        "several variants are installed and none is chosen: a.q8_0, b.f16, b.q8_0");
  write_text(fixture.paths.installed_file, R"({"model_variant":"b.f16"})");
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).variant == "b.f16");
  write_text(fixture.paths.installed_file, R"({"model_variant":"gone"})");
  for (const char* name : {"a.q8_0", "b.f16"}) {
    std::filesystem::remove(fixture.paths.models_dir + "/" + name + ".gguf");
  }
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).variant == "b.q8_0");
}

TEST_CASE("the default of a configured manifest is chosen, installed or not") {
  Fixture fixture;
  const std::string manifest = fixture.dir / "manifest.json";
  fixture.settings.manifest = {manifest, Origin::environment};
  write_text(manifest, R"({"version":1,"default_model":"b.f16"})");
  const ModelChoice there = unwrap(choose_model(fixture.paths, fixture.settings));
  CHECK(there.path == fixture.paths.models_dir + "/b.f16.gguf");
  CHECK(there.origin == Origin::manifest);
  write_text(manifest, R"({"version":1,"default_model":"c"})");
  const ModelChoice missing = unwrap(choose_model(fixture.paths, fixture.settings));
  CHECK(missing.variant == "c");
  CHECK_FALSE(missing.is_installed());
  // Of a manifest that was never fetched nothing is known yet.
  fixture.settings.manifest = {"https://h/m.json", Origin::environment};
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).variant.empty());
  // What was installed from it needs no manifest.
  write_text(fixture.paths.installed_file,
             R"({"manifest_url":"https://h/m.json","model_variant":"a.q8_0"})");
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).variant == "a.q8_0");
}

TEST_CASE("a manifest that was baked in when runed was built counts as configured") {
  Fixture fixture;
  fixture.paths.models_dir = fixture.dir / "empty";
  fixture.settings.manifest = {"https://h/m.json", Origin::default_value};
  const ModelChoice choice = unwrap(choose_model(fixture.paths, fixture.settings));
  CHECK(choice.kind == Kind::variant);
  CHECK_FALSE(choice.is_installed());
}

TEST_CASE("a variant is found in full or by its last part") {
  Fixture fixture;
  fixture.settings.model_variant = {"a.q8_0", Origin::flag};
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).path ==
        fixture.paths.models_dir + "/a.q8_0.gguf");
  fixture.settings.model_variant = {"f16", Origin::flag};
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).variant == "b.f16");
}

TEST_CASE("a variant that could be several is answered with what there is") {
  Fixture fixture;
  fixture.settings.model_variant = {"q8_0", Origin::flag};
  const auto several = unwrap_error(choose_model(fixture.paths, fixture.settings));
  CHECK(several.code == ErrorCode::bad_config);
  CHECK(several.message == "variant 'q8_0' could be any of: a.q8_0, b.q8_0");
}

TEST_CASE(
    "a variant that is not installed is chosen as it was named, and refused where it is needed") {
  Fixture fixture;
  fixture.settings.model_variant = {"../notes", Origin::flag};
  const ModelChoice choice = unwrap(choose_model(fixture.paths, fixture.settings));
  CHECK(choice.variant == "../notes");
  CHECK_FALSE(choice.is_installed());
  const auto error = unwrap_error(check_installed(choice, fixture.paths));
  CHECK(error.code == ErrorCode::model_missing);
  CHECK(error.hint.find("there are: a.q8_0, b.f16, b.q8_0, builtin:runed-mini; 'runed install "
                        "--variant ../notes' fetches it") == 0);
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
