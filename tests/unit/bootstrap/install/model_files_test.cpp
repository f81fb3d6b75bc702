#include "bootstrap/install/model_files.hpp"

#include <filesystem>

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::bootstrap::installed_variants;
using runed::bootstrap::model_path;
using runed::bootstrap::model_tree;
using runed::bootstrap::named_variants;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

namespace {

struct Fixture {
  Fixture() {
    paths.models_dir = dir / "models";
    fs::create_directories(paths.models_dir);
  }

  std::string at(const std::string& name) const { return paths.models_dir + "/" + name; }

  runed::test::TempDir dir;
  runed::bootstrap::Paths paths;
};

}  // namespace

TEST_CASE("a variant is a file, or the one directory in a directory of its name") {
  const Fixture fixture;
  CHECK(model_path(fixture.paths, "a") == fixture.at("a.gguf"));
  CHECK(model_tree(fixture.paths, "a") == fixture.at("a.gguf"));
  fs::create_directories(fixture.at("a.hf/bge-small"));
  CHECK(model_path(fixture.paths, "a") == fixture.at("a.hf/bge-small"));
  CHECK(model_tree(fixture.paths, "a") == fixture.at("a.hf"));
  write_text(fixture.at("a.gguf"), "x");
  CHECK(model_path(fixture.paths, "a") == fixture.at("a.gguf"));
  CHECK(model_tree(fixture.paths, "a") == fixture.at("a.gguf"));
  CHECK(unwrap(named_variants(fixture.paths)) == Names{"a"});
}

TEST_CASE("what else lies in models is no variant") {
  const Fixture fixture;
  write_text(fixture.at("b.gguf"), "x");
  fs::create_directories(fixture.at("directory.gguf"));
  fs::create_directories(fixture.at("empty.hf"));
  fs::create_directories(fixture.at("two.hf/one"));
  fs::create_directories(fixture.at("two.hf/other"));
  fs::create_directories(fixture.at("whole/1_Pooling"));
  write_text(fixture.at("file.hf"), "x");
  fs::create_symlink("/nowhere", fixture.at("gone.gguf"));
  CHECK(unwrap(named_variants(fixture.paths)) == Names{"b", "gone"});
  CHECK(unwrap(installed_variants(fixture.paths)) == Names{"b"});
}

TEST_CASE(
    "a directory of models that is not there has none, and one that cannot be read is an error") {
  Fixture fixture;
  fixture.paths.models_dir = fixture.dir / "other";
  CHECK(unwrap(installed_variants(fixture.paths)).empty());
  write_text(fixture.paths.models_dir, "x");
  CHECK(unwrap_error(installed_variants(fixture.paths)).code == ErrorCode::model_missing);
}
