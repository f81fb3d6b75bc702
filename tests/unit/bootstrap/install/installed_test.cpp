#include "bootstrap/install/installed.hpp"

#include "base/json.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::bootstrap::Installed;
using runed::bootstrap::InstalledArtifact;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

TEST_CASE("what is written is read again") {
  const TempDir dir;
  const std::string path = dir / "installed.json";
  const InstalledArtifact model{"https://h/m", "aa", "/home/m.gguf", 7};
  Installed installed{.manifest_url = "https://h",
                      .platform = "linux-amd64",
                      .installed_at = "2026-11-21T08:30:00Z",
                      .model_variant = "m",
                      .llama_server = {},
                      .model = model,
                      .variants = {{"m", model}},
                      .llama_server_files = {{"bin/x", "bb"}}};
  unwrap(installed.write(path));
  CHECK(mode_of(path) == 0600);
  const Installed read = unwrap(Installed::load(path));
  CHECK(read.manifest_url == "https://h");
  CHECK(read.installed_at == "2026-11-21T08:30:00Z");
  CHECK(read.variants.at("m").path == "/home/m.gguf");
  CHECK(read.variants.at("m").size_bytes == 7);
  CHECK(read.llama_server_files == installed.llama_server_files);
  CHECK_FALSE(read.llama_server.has_value());
}

TEST_CASE("the predecessor's fields are where it has them") {
  const TempDir dir;
  const std::string path = dir / "installed.json";
  Installed installed{.manifest_url = "u", .platform = "linux-amd64", .installed_at = "t"};
  installed.llama_server = InstalledArtifact{"https://h/l", "cc", "/home/l", 0};
  unwrap(installed.write(path));
  CHECK(read_text(path) == R"({
  "manifest_url": "u",
  "manifest_version": 1,
  "platform": "linux-amd64",
  "installed_at": "t",
  "artifacts": {
    "llama_server": {
      "url": "https://h/l",
      "sha256": "cc",
      "path": "/home/l"
    }
  }
}
)");
}

TEST_CASE("the predecessor's only model counts as a variant") {
  const TempDir dir;
  write_text(dir / "installed.json",
             R"({"model_variant":"m","artifacts":{"model":{"sha256":"aa","path":"/m.gguf"}}})");
  CHECK(unwrap(Installed::load(dir / "installed.json")).variants.at("m").sha256 == "aa");
}

TEST_CASE("a file that is not there is empty") {
  const TempDir dir;
  CHECK(unwrap(Installed::load(dir / "none")).variants.empty());
}

TEST_CASE("a damaged file is an error to all but the one who writes it anew") {
  const TempDir dir;
  const std::string path = dir / "installed.json";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "invalid JSON at byte 1"},
      {"[]", "expected an object, found an array"},
      {R"({"model_variant":"m)", "invalid JSON at byte 20"},
      {R"({"model_variant":3})", "model_variant: expected a string, found a number"},
      {R"({"artifacts":7})", "artifacts: expected an object, found a number"},
      {R"({"artifacts":{"model":{"sha256":1}}})", "sha256: expected a string, found a number"},
      {R"({"artifacts":{"model":{"path":"/m"}}})", "the entry of 'model' has no sha256 or no path"},
      {R"({"variants":{"m":{"sha256":"aa"}}})", "the entry of 'm' has no sha256 or no path"},
      {R"({"llama_server_files":{"a":1}})", "'a' has no digest"},
  };
  for (const auto& [text, why] : cases) {
    CAPTURE(text);
    write_text(path, text);
    const auto error = unwrap_error(Installed::load(path));
    CHECK(error.code == runed::ErrorCode::bad_config);
    CHECK(error.message == "cannot use '" + path + "': it is damaged: " + why);
    CHECK(error.hint.find("'runed install --variant NAME' writes it anew") == 0);
    CHECK(Installed::load_or_empty(path).variants.empty());
  }
}
