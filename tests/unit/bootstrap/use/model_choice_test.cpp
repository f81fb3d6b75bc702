#include "bootstrap/use/model_choice.hpp"

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
    std::filesystem::create_directories(paths.models_dir + "/directory.gguf");
    for (const char* name : {"a.q8_0.gguf", "b.q8_0.gguf", "b.f16.gguf", "notes.txt"}) {
      write_text(paths.models_dir + "/" + name, "x");
    }
  }

  // Empties models/ but for one variant.
  void leave_only(const std::string& variant) const {
    for (const auto& entry : std::filesystem::directory_iterator(paths.models_dir)) {
      if (entry.path().filename() != variant + ".gguf") std::filesystem::remove_all(entry.path());
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

TEST_CASE("told nothing, a reranker is none to embed with, even if it is the only model") {
  Fixture fixture;
  fixture.leave_only("b.f16");
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).variant == "b.f16");
  write_text(fixture.paths.installed_file,
             R"({"variants":{"b.f16":{"sha256":"aa","path":"/m","reranker":true}}})");
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).kind == Kind::builtin);
}

TEST_CASE("told nothing, the default of installed.json is served") {
  Fixture fixture;
  const auto error = unwrap_error(choose_model(fixture.paths, fixture.settings));
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.message ==
        "several variants are installed and none is chosen: a.q8_0, b.f16, b.q8_0");
  write_text(fixture.paths.installed_file, R"({"model_variant":"b.f16"})");
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).variant == "b.f16");
}

TEST_CASE("told nothing, the only file in models/ is served") {
  Fixture fixture;
  fixture.leave_only("b.q8_0");
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).variant == "b.q8_0");
}

TEST_CASE("where the default of installed.json is gone, no other model takes its place") {
  Fixture fixture;
  write_text(fixture.paths.installed_file, R"({"model_variant":"gone.q8_0"})");
  const std::string file = fixture.paths.models_dir + "/gone.q8_0.gguf";
  const auto check = [&](const std::string& why) {
    CAPTURE(why);
    const auto error = unwrap_error(choose_model(fixture.paths, fixture.settings));
    CHECK(error.code == ErrorCode::model_missing);
    CHECK(error.message.find(
              "the default of installed.json is gone.q8_0, and its file is not there: " + why) ==
          0);
    CHECK(error.hint.find("put the file back") == 0);
    CHECK(error.hint.find("install") == std::string::npos);  // The manifest does not have it.
  };
  check("cannot inspect '" + file + "': no such file");
  fixture.leave_only("b.q8_0");
  check("cannot inspect '" + file + "': no such file");
  std::filesystem::create_symlink("/nonexistent", file);
  check("cannot inspect '" + file + "': no such file");
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  check("'" + file + "': it is a directory, not a regular file");
  fixture.leave_only("");
  check("cannot inspect '" + file + "': no such file");
}

TEST_CASE("a link in models/ that leads nowhere was put there to be served") {
  Fixture fixture;
  fixture.leave_only("");
  std::filesystem::create_symlink("/nonexistent", fixture.paths.models_dir + "/mine.gguf");
  const auto error = unwrap_error(choose_model(fixture.paths, fixture.settings));
  CHECK(error.code == ErrorCode::model_missing);
  CHECK(error.message.find("the only model in models/ is mine, and its file is not there") == 0);
  CHECK(unwrap(runed::bootstrap::installed_variants(fixture.paths)).empty());
}

TEST_CASE("models/ that cannot be looked into is not one without models") {
  Fixture fixture;
  fixture.paths.models_dir = fixture.dir / "elsewhere";
  std::filesystem::create_symlink("/nonexistent", fixture.paths.models_dir);
  const auto dangling = unwrap_error(choose_model(fixture.paths, fixture.settings));
  CHECK(dangling.code == ErrorCode::model_missing);
  CHECK(dangling.message.find("cannot tell which models there are: ") == 0);
  fixture.paths.models_dir = fixture.dir / "file";
  write_text(fixture.paths.models_dir, "x");
  CHECK(unwrap_error(choose_model(fixture.paths, fixture.settings)).code ==
        ErrorCode::model_missing);
}

TEST_CASE("a damaged installed.json is not one that names nothing") {
  Fixture fixture;
  write_text(fixture.paths.installed_file, R"({"model_variant":)");
  CHECK(unwrap_error(choose_model(fixture.paths, fixture.settings)).code == ErrorCode::bad_config);
  fixture.settings.model_variant = {"builtin:runed-mini", Origin::flag};
  CHECK(unwrap(choose_model(fixture.paths, fixture.settings)).kind == Kind::builtin);
}

TEST_CASE("a short name means what was installed, even while its file is gone") {
  Fixture fixture;
  fixture.leave_only("b.q8_0");
  write_text(fixture.paths.installed_file,
             R"({"variants":{"c.f16":{"sha256":"aa","path":"/m"}}})");
  fixture.settings.model_variant = {"f16", Origin::environment};
  const ModelChoice gone = unwrap(choose_model(fixture.paths, fixture.settings));
  CHECK(gone.variant == "c.f16");
  CHECK_FALSE(gone.is_installed());
  // Another file of the same last part is not what was installed.
  write_text(fixture.paths.models_dir + "/d.f16.gguf", "x");
  CHECK(unwrap_error(choose_model(fixture.paths, fixture.settings)).message ==
        "variant 'f16' could be any of: c.f16, d.f16");
}

TEST_CASE("what was installed from a configured manifest is fetched again, not its default") {
  Fixture fixture;
  const std::string manifest = fixture.dir / "manifest.json";
  fixture.settings.manifest = {manifest, Origin::environment};
  write_text(manifest, R"({"version":1,"default_model":"b.f16"})");
  write_text(fixture.paths.installed_file,
             fmt::format(R"({{"manifest_url":"{}","model_variant":"gone"}})", manifest));
  const ModelChoice choice = unwrap(choose_model(fixture.paths, fixture.settings));
  CHECK(choice.variant == "gone");
  CHECK_FALSE(choice.is_installed());
  CHECK(choice.origin == Origin::manifest);
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
  const auto error = unwrap_error(check_installed(choice, fixture.paths, fixture.settings));
  CHECK(error.code == ErrorCode::model_missing);
  // No manifest has it, so nobody is told to install it.
  CHECK(error.hint.find("there are: ") == 0);
  CHECK(error.hint.find("a.q8_0, b.f16, b.q8_0, builtin:runed-mini") != std::string::npos);
  CHECK(error.hint.find("runed install") == std::string::npos);
  const auto known = [&](const std::string& name) {
    const ModelChoice chosen{ModelChoice::Kind::variant, name, {}, Origin::flag};
    return unwrap_error(check_installed(chosen, fixture.paths, fixture.settings)).hint;
  };
  CHECK(known("qwen3-embedding-0.6b.f16")
            .find("'runed install --variant qwen3-embedding-0.6b.f16' fetches it") !=
        std::string::npos);
  CHECK(known("B.Q8_0").find("did you mean 'b.q8_0'?") == 0);
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
