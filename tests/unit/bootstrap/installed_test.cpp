#include "bootstrap/installed.hpp"

#include "base/json.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::bootstrap::Installed;
using runed::bootstrap::InstalledArtifact;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
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
  const Installed read = Installed::read(path);
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
  CHECK(Installed::read(dir / "installed.json").variants.at("m").sha256 == "aa");
}

TEST_CASE("a file that is missing or damaged is as good as empty") {
  const TempDir dir;
  CHECK(Installed::read(dir / "none").variants.empty());
  for (const char* text :
       {"", "[]", "{", R"({"artifacts":7})", R"({"artifacts":{"model":{"sha256":1}}})",
        R"({"variants":{"m":[]},"model_variant":3,"llama_server_files":{"a":1}})"}) {
    CAPTURE(text);
    write_text(dir / "installed.json", text);
    const Installed installed = Installed::read(dir / "installed.json");
    CHECK(installed.variants.empty());
    CHECK(installed.llama_server_files.empty());
    CHECK_FALSE(installed.model.has_value());
  }
}
