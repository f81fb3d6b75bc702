#include "bootstrap/install/uninstall.hpp"

#include "install_fixture.hpp"
#include "os/file/fd.hpp"

using runed::ErrorCode;
using runed::bootstrap::collect;
using runed::bootstrap::describe_default;
using runed::bootstrap::GcItem;
using runed::bootstrap::Origin;
using runed::bootstrap::Part;
using runed::bootstrap::plan_uninstall;
using runed::bootstrap::Record;
using runed::bootstrap::Settings;
using runed::bootstrap::Uninstall;
using runed::test::InstallFixture;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

/// Both models are installed; the small one is what is served where none is named.
struct Fixture : InstallFixture {
  Fixture() {
    unwrap(install({.parts = {Part::model}, .variant = "small"}));
    unwrap(install({.parts = {Part::model}, .variant = "large"}));
  }

  runed::Result<Uninstall> plan(const std::string& name, const std::string& running = {}) const {
    return plan_uninstall(paths, settings, name, running);
  }

  Settings settings{.manifest = {"builtin:", Origin::default_value}};
};

}  // namespace

TEST_CASE("a variant goes with its file, its entry and its digest") {
  const Fixture fixture;
  const std::string file = fixture.model_file("m.large");
  REQUIRE(runed::test::read_text(fixture.paths.record_file).find(file) != std::string::npos);
  const Uninstall uninstall = unwrap(fixture.plan("large"));
  CHECK(uninstall.item.kind == GcItem::Kind::variant);
  CHECK(uninstall.item.path == file);
  CHECK(uninstall.item.name == "m.large");
  CHECK(uninstall.item.size_bytes == fixture.large.size());
  CHECK_FALSE(uninstall.is_default);
  CHECK(uninstall.named_by.empty());
  unwrap(collect(fixture.paths, {uninstall.item}));
  CHECK_FALSE(std::filesystem::exists(file));
  CHECK(std::filesystem::exists(fixture.model_file("m.small")));
  CHECK(fixture.installed().variants.size() == 1);
  CHECK(fixture.installed().model_variant == "m.small");
  CHECK(runed::test::read_text(fixture.paths.record_file).find(file) == std::string::npos);
  CHECK(unwrap_error(fixture.plan("large")).code == ErrorCode::model_missing);
}

TEST_CASE("a variant whose file is gone still goes from installed.json") {
  const Fixture fixture;
  std::filesystem::remove(fixture.model_file("m.large"));
  const Uninstall uninstall = unwrap(fixture.plan("m.large"));
  CHECK(uninstall.item.size_bytes == 0);
  unwrap(collect(fixture.paths, {uninstall.item}));
  CHECK_FALSE(fixture.installed().variants.contains("m.large"));
}

TEST_CASE("the default of installed.json goes, and what is served instead is told") {
  const Fixture fixture;
  const Uninstall uninstall = unwrap(fixture.plan("small"));
  CHECK(uninstall.is_default);
  unwrap(collect(fixture.paths, {uninstall.item}));
  CHECK(fixture.installed().model_variant.empty());
  CHECK(describe_default(fixture.paths, fixture.settings) == "it is m.large");
  unwrap(collect(fixture.paths, {unwrap(fixture.plan("large")).item}));
  CHECK(describe_default(fixture.paths, fixture.settings) == "it is builtin:runed-mini");
  Settings with_manifest = fixture.settings;
  with_manifest.manifest = {fixture.manifest_file(), Origin::config};
  CHECK(describe_default(fixture.paths, with_manifest) == "the daemon fetches m.small");
}

TEST_CASE("what the daemon serves, or a process has open, is not removed") {
  const Fixture fixture;
  const auto served = unwrap_error(fixture.plan("small", "m.small"));
  CHECK(served.code == ErrorCode::other_settings);
  CHECK(served.message == "the daemon that runs serves m.small");
  CHECK(served.hint == "'runed shutdown --wait 10' ends the daemon; then try again");
  CHECK(fixture.plan("large", "m.small").has_value());
  const auto held = unwrap(runed::os::open_fd(fixture.model_file("m.large"), 0));
  const auto open = unwrap_error(fixture.plan("large"));
  CHECK(open.code == ErrorCode::other_settings);
  CHECK(open.message == "a process has '" + fixture.model_file("m.large") + "' open");
}

TEST_CASE("what was not installed is refused, with what to do") {
  const Fixture fixture;
  const auto builtin = unwrap_error(fixture.plan("builtin:runed-mini"));
  CHECK(builtin.code == ErrorCode::usage);
  CHECK(builtin.message ==
        "variant 'builtin:runed-mini' is in the executable: it cannot be removed");

  const auto misspelt = unwrap_error(fixture.plan("m.smal"));
  CHECK(misspelt.code == ErrorCode::model_missing);
  CHECK(misspelt.message == "variant 'm.smal' is not installed");
  CHECK(misspelt.hint == "did you mean 'm.small'? there are: m.large, m.small");

  write_text(fixture.model_file("mine.q8_0"), "GGUF");
  const auto by_hand = unwrap_error(fixture.plan("q8_0"));
  CHECK(by_hand.code == ErrorCode::model_missing);
  CHECK(by_hand.message ==
        "variant 'mine.q8_0' was not installed: its file was put into models/ by hand");
  CHECK(by_hand.hint == "run: rm '" + fixture.model_file("mine.q8_0") + "'");

  write_text(fixture.model_file("other.small"), "GGUF");
  const auto ambiguous = unwrap_error(fixture.plan("small"));
  CHECK(ambiguous.code == ErrorCode::usage);
  CHECK(ambiguous.message == "variant 'small' could be any of: m.small, other.small");
  CHECK(fixture.plan("m.small").has_value());
}

TEST_CASE("what still names a variant is told, wherever it stands") {
  Fixture fixture;
  write_text(fixture.paths.config_file, R"({"model_variant":"large"})");
  fixture.settings.model_variant = {"m.large", Origin::environment};
  fixture.settings.model = {fixture.model_file("m.large"), Origin::config};
  fixture.settings.models = {{{.name = "a", .variant = "large"},
                              {.name = "b", .path = fixture.model_file("m.large")},
                              {.name = "c", .variant = "small"}},
                             Origin::config};
  CHECK(unwrap(fixture.plan("large")).named_by ==
        std::vector<std::string>{"model_variant in config.json", "RUNED_MODEL_VARIANT",
                                 "model in config.json", "models.a in config.json",
                                 "models.b in config.json"});
  CHECK(unwrap(fixture.plan("small")).named_by ==
        std::vector<std::string>{"models.c in config.json"});
}
