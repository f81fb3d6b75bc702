#include "bootstrap/use/ready_model.hpp"

#include "unit/bootstrap/install/install_fixture.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::sha256_hex;
using runed::bootstrap::check_model;
using runed::bootstrap::choose_model;
using runed::bootstrap::ensure_model;
using runed::bootstrap::ModelChoice;
using runed::bootstrap::Origin;
using runed::bootstrap::ReadyModel;
using runed::bootstrap::Settings;
using runed::test::InstallFixture;
using runed::test::read_text;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

struct Fixture : InstallFixture {
  Fixture() { settings.manifest = {manifest_file(), Origin::environment}; }

  ModelChoice choice() const { return unwrap(choose_model(paths, settings)); }
  runed::Result<ReadyModel> ensure() const {
    return ensure_model(paths, settings, choice(), {}, clock, hooks);
  }
  void name(const std::string& variant) { settings.model_variant = {variant, Origin::flag}; }

  Settings settings;
};

}  // namespace

TEST_CASE("the default of a configured manifest is fetched") {
  const Fixture fixture;
  CHECK_FALSE(fixture.choice().is_installed());
  const ReadyModel ready = unwrap(fixture.ensure());
  CHECK(ready.variant == "m.small");
  CHECK(ready.sha256 == sha256_hex(fixture.small));
  CHECK(read_text(ready.path) == fixture.small);
}

TEST_CASE("what is installed needs neither its manifest nor its server") {
  const Fixture fixture;
  unwrap(fixture.ensure());
  std::filesystem::remove(fixture.dir / "manifest.json");
  std::filesystem::remove(fixture.dir / "small.gguf");
  CHECK(unwrap(fixture.ensure()).variant == "m.small");
}

TEST_CASE("a variant that is not installed is not there without a network, and says so") {
  Fixture fixture;
  fixture.name("large");
  const Error error =
      unwrap_error(check_model(fixture.paths, fixture.settings, fixture.choice(), {}));
  CHECK(error.code == ErrorCode::model_missing);
  CHECK(error.message == "variant 'large' is not installed");
  CHECK(error.hint.find("'runed install --variant large' fetches it") != std::string::npos);
}

TEST_CASE("a model that was damaged since is not served, but fetched again") {
  const Fixture fixture;
  const ReadyModel ready = unwrap(fixture.ensure());
  write_text(ready.path, "GGUF smalL");
  const Error error =
      unwrap_error(check_model(fixture.paths, fixture.settings, fixture.choice(), {}));
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message == fmt::format("'{}' is damaged: its SHA-256 is {}, not {}", ready.path,
                                     sha256_hex("GGUF smalL"), ready.sha256));
  CHECK(unwrap(fixture.ensure()).sha256 == ready.sha256);
  CHECK(read_text(ready.path) == fixture.small);
}

TEST_CASE("a damaged model that cannot be fetched again is an error, not a wrong vector") {
  const Fixture fixture;
  write_text(unwrap(fixture.ensure()).path, "GGUF smalL");
  std::filesystem::remove(fixture.dir / "small.gguf");
  const Error error = unwrap_error(fixture.ensure());
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.hint.find("it cannot be fetched again: ") == 0);
}

TEST_CASE("a file that nobody knows is taken as it is") {
  Fixture fixture;
  write_text(fixture.model_file("mine"), "GGUF mine");
  fixture.name("mine");
  CHECK(unwrap(fixture.ensure()).sha256 == sha256_hex("GGUF mine"));
}

TEST_CASE("a file put in place by hand must be what the manifest promises") {
  Fixture fixture;
  write_text(fixture.model_file("m.small"), "GGUF else");
  fixture.name("small");
  CHECK(unwrap(fixture.ensure()).sha256 == sha256_hex(fixture.small));
}

TEST_CASE("the built-in model is always ready") {
  Fixture fixture;
  fixture.name("builtin:runed-mini");
  const ReadyModel ready = unwrap(fixture.ensure());
  CHECK(ready.path.empty());
  CHECK(ready.sha256.empty());
}
