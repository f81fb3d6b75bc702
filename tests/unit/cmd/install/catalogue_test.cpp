#include "cmd/install/catalogue.hpp"

#include <algorithm>
#include <filesystem>

#include "base/json.hpp"
#include "bootstrap/config/paths.hpp"
#include "support/fake_environment.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::Json;
using runed::bootstrap::Manifest;
using runed::cmd::CatalogueEntry;
using runed::cmd::format_catalogue;
using runed::cmd::is_about;
using runed::cmd::list_catalogue;
using runed::test::FakeEnvironment;
using runed::test::unwrap;
using runed::test::write_text;

namespace fs = std::filesystem;

namespace {

const std::string kDigest(64, 'a');

struct Fixture {
  Fixture() { fs::create_directories(paths.models_dir); }

  std::vector<CatalogueEntry> list() const { return unwrap(list_catalogue(paths, manifest)); }

  runed::test::TempDir dir;
  runed::bootstrap::Paths paths = unwrap(
      runed::bootstrap::resolve_paths(FakeEnvironment{{"RUNED_HOME", dir / "home"}}, std::nullopt));
  Manifest manifest = unwrap(Manifest::parse(
      runed::to_line(
          Json{{"version", 1},
               {"models",
                {{"small.q8_0",
                  {{"url", "https://h/s"},
                   {"sha256", kDigest},
                   {"size", 2048},
                   {"architecture", "bert"},
                   {"dimensions", 384},
                   {"max_tokens", 512},
                   {"license", "MIT"},
                   {"description", "English, small"}}},
                 {"judge", {{"url", "https://h/j"}, {"sha256", kDigest}, {"pooling", "rank"}}},
                 {"bare", {{"url", "https://h/b"}, {"sha256", kDigest}}}}},
               {"default_model", "small.q8_0"}}),
      "https://h/m.json"));
};

}  // namespace

TEST_CASE("the catalogue has what the manifest says, and of what it does not know the file") {
  Fixture fixture;
  fs::copy_file(RUNED_TEST_DATA "/tiny_gguf/bert-cls.f16.gguf",
                fixture.paths.models_dir + "/mine.gguf");
  fs::create_directories(fixture.paths.models_dir + "/directory.hf");
  fs::copy(RUNED_TEST_DATA "/tiny/bert-mean", fixture.paths.models_dir + "/directory.hf/bert-mean",
           fs::copy_options::recursive);
  write_text(fixture.paths.models_dir + "/damaged.gguf", "x");
  write_text(fixture.paths.models_dir + "/small.q8_0.gguf", "x");
  write_text(fixture.paths.installed_file,
             R"({"variants":{"mine":{"sha256":"aa","path":"/m","own":true}}})");
  const auto entries = fixture.list();
  std::vector<std::string> names;
  for (const CatalogueEntry& entry : entries) names.push_back(entry.variant);
  CHECK(names == std::vector<std::string>{"small.q8_0", "judge", "bare", "damaged", "directory",
                                          "mine", "builtin:runed-mini"});
  CHECK(entries[0].license == "MIT");
  CHECK(entries[0].is_default);
  CHECK(entries[0].is_installed);
  CHECK_FALSE(entries[1].is_installed);
  CHECK(entries[1].is_reranker);
  CHECK(entries[3].architecture.empty());
  CHECK(entries[4].architecture == "bert");
  CHECK(entries[4].dimensions > 0);
  CHECK_FALSE(entries[4].is_own);
  CHECK(entries[5].architecture == "bert");
  CHECK(entries[5].max_tokens > 0);
  CHECK(entries[5].is_own);
  CHECK(entries[6].dimensions == 256);
  CHECK(entries[6].min_dimensions == 64);
}

TEST_CASE("a word is looked for in all that is said for people, in whatever case") {
  const CatalogueEntry entry{
      .variant = "bge-m3", .architecture = "bert", .license = "MIT", .description = "Multilingual"};
  for (const char* word : {"BGE", "m3", "ber", "mit", "LINGUAL", ""}) CHECK(is_about(entry, word));
  CHECK_FALSE(is_about(entry, "gemma"));
}

TEST_CASE("the table says of each model what it is and whether it is there") {
  const std::vector<CatalogueEntry> entries{
      {.variant = "small.q8_0",
       .architecture = "bert",
       .dimensions = 768,
       .min_dimensions = 128,
       .max_tokens = 512,
       .size_bytes = 2048,
       .license = "MIT",
       .is_installed = true,
       .is_default = true},
      {.variant = "模型", .is_reranker = true, .is_installed = true, .is_own = true},
      {.variant = "bare"}};
  CHECK(format_catalogue(entries, 0) ==
        "NAME        ARCHITECTURE  DIMENSIONS  MAX TOKENS  SIZE     LICENCE  STATE\n"
        "small.q8_0  bert          128-768     512         2.0 KiB  MIT      installed, default\n"
        "模型        -             score       -           -        -        installed, own\n"
        "bare        -             -           -           -        -        not installed\n");
  const Json json = to_json(entries[2]);
  CHECK(json["variant"] == "bare");
  CHECK(json["dimensions"].is_null());
  CHECK(json["installed"] == false);
  CHECK(to_json(entries[0])["default"] == true);
}
