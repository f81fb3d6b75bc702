#include "daemon/models/model_catalogue.hpp"

#include <algorithm>
#include <filesystem>

#include "support/fake_environment.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::bootstrap::DeclaredModel;
using runed::bootstrap::ModelChoice;
using runed::bootstrap::Origin;
using runed::daemon::ModelCatalogue;
using runed::daemon::ModelDeclaration;
using runed::test::unwrap;
using runed::test::write_text;

namespace {

using Names = std::vector<std::string>;

/// What a daemon finds in a home with these variants and this `models` of config.json.
struct Fixture {
  explicit Fixture(const Names& variants, std::vector<DeclaredModel> models = {}) {
    std::filesystem::create_directories(paths.models_dir);
    for (const std::string& each : variants) write_text(path_of(each), each);
    runed::bootstrap::Settings settings;
    settings.models.value = std::move(models);
    list = unwrap(ModelCatalogue(paths, settings).list());
  }

  std::string path_of(const std::string& variant) const {
    return paths.models_dir + "/" + variant + ".gguf";
  }

  /// The keys of the models that have this name.
  Names find(const std::string& name) const {
    Names keys;
    for (const ModelDeclaration& each : list) {
      if (std::ranges::find(each.names, name) != each.names.end()) keys.push_back(each.key);
    }
    return keys;
  }

  runed::test::TempDir directory;
  runed::bootstrap::Paths paths = unwrap(runed::bootstrap::resolve_paths(
      runed::test::FakeEnvironment{{"RUNED_HOME", directory / "home"}}, {}, {}));
  std::vector<ModelDeclaration> list;
};

}  // namespace

TEST_CASE("what is in the executable, in models/ and in config.json can be served") {
  const Fixture fixture({"notes.q8_0"}, {{.name = "mine", .path = "/m/mine.gguf"}});
  CHECK(fixture.list.size() == 3);
  CHECK(fixture.find("builtin:runed-mini") == Names{"variant:builtin:runed-mini"});
  CHECK(fixture.find("runed-mini") == Names{"variant:builtin:runed-mini"});
  CHECK(fixture.find("notes.q8_0") == Names{"variant:notes.q8_0"});
  CHECK(fixture.find("mine") == Names{"file:/m/mine.gguf"});
}

TEST_CASE("a variant that config.json gives a name has both, the given one first") {
  const Fixture fixture({"notes.q8_0"}, {{.name = "mine", .variant = "q8_0"}});
  REQUIRE(fixture.list.size() == 2);
  CHECK(fixture.list[1].names == Names{"mine", "notes.q8_0"});
}

TEST_CASE("a name of config.json leads to its model, though a variant is called like it") {
  const Fixture fixture({"notes", "other"}, {{.name = "notes", .path = "/m/mine.gguf"}});
  CHECK(fixture.find("notes") == Names{"file:/m/mine.gguf"});
  CHECK(fixture.find("other") == Names{"variant:other"});
  CHECK(fixture.list.size() == 3);  // Without the variant, which no name leads to.
  const Fixture swapped({"a", "b"}, {{.name = "a", .variant = "b"}, {.name = "b", .variant = "a"}});
  CHECK(swapped.find("a") == Names{"variant:b"});
  CHECK(swapped.find("b") == Names{"variant:a"});
  const Fixture builtin({}, {{.name = "runed-mini", .path = "/m/mine.gguf"}});
  CHECK(builtin.find("runed-mini") == Names{"file:/m/mine.gguf"});
  CHECK(builtin.find("builtin:runed-mini") == Names{"variant:builtin:runed-mini"});
}

TEST_CASE("the model in the executable is known as named, unless it answers for want of another") {
  const Fixture fixture({});
  CHECK(fixture.list.front().choice.origin < Origin::default_value);
  const ModelCatalogue catalogue(fixture.paths, {});
  for (const Origin origin : {Origin::environment, Origin::default_value}) {
    const ModelChoice choice{.variant = "builtin:runed-mini", .path = {}, .origin = origin};
    CHECK(catalogue.default_model(choice).choice.origin == origin);
  }
}

TEST_CASE("the default model that is declared nowhere gives up a name that is declared") {
  const ModelDeclaration own{
      .key = "file:/m/notes.gguf",
      .names = {"notes"},
      .choice = {.kind = ModelChoice::Kind::file, .variant = {}, .path = "/m/notes.gguf"}};
  Fixture free({"other"});
  runed::daemon::add_default(free.list, own);
  CHECK(free.find("notes") == Names{own.key});
  Fixture taken({"notes"});
  runed::daemon::add_default(taken.list, own);
  CHECK(taken.find("notes") == Names{"variant:notes"});
  CHECK(taken.find("/m/notes.gguf") == Names{own.key});
  Fixture declared({"notes"}, {{.name = "mine", .path = "/m/notes.gguf"}});
  const size_t count = declared.list.size();
  runed::daemon::add_default(declared.list, own);
  CHECK(declared.list.size() == count);
  CHECK(declared.find("mine") == Names{own.key});
}
