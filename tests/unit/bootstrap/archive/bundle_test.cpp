#include "bootstrap/archive/bundle.hpp"

#include "bootstrap/manifest/manifest_source.hpp"
#include "unit/bootstrap/install/install_fixture.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::bootstrap::Bundle;
using runed::bootstrap::export_bundle;
using runed::bootstrap::install;
using runed::bootstrap::kBuiltinManifest;
using runed::bootstrap::Part;
using runed::test::InstallFixture;
using runed::test::read_text;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

// Installs everything on one machine and writes a bundle of it.
std::string make_bundle(const InstallFixture& origin) {
  const auto steps = unwrap(origin.install_all());
  const std::string file = origin.dir / "bundle.tar";
  unwrap(export_bundle(origin.paths, origin.manifest(), steps, file, {}, {}));
  return file;
}

auto install_from(const InstallFixture& target, const std::string& from) {
  const Bundle bundle = unwrap(Bundle::open(target.paths, from, kBuiltinManifest, {}));
  return install(target.paths, bundle.manifest(),
                 {.parts = {Part::llama_server, Part::model}, .variant = {}}, {.offline = true},
                 target.clock, {});
}

void check_installed_everything(const InstallFixture& target) {
  CHECK(read_text(target.model_file("m.small")) == target.small);
  CHECK(read_text(target.server_file()) == "first");
}

}  // namespace

TEST_CASE("a bundle moves an installation to a machine without a network") {
  const InstallFixture target;
  {
    const InstallFixture origin;
    std::filesystem::rename(make_bundle(origin), target.dir / "bundle.tar");
  }
  std::filesystem::remove(target.dir / "small.gguf");
  unwrap(install_from(target, target.dir / "bundle.tar"));
  check_installed_everything(target);
  // What was unpacked for it is gone.
  for (const auto& entry : std::filesystem::directory_iterator(target.paths.cache_dir)) {
    CHECK(entry.path().filename().string().find("bundle-") == std::string::npos);
  }
}

TEST_CASE("a directory is a bundle too, with files under the names they are fetched by") {
  const InstallFixture target;
  const InstallFixture origin;
  Json document = origin.document();
  for (auto& model : document["models"]) model["url"] = "https://h/path/small.gguf?x=1";
  const std::string platform(runed::bootstrap::platform_name());
  document["platforms"][platform]["llama_server"]["url"] = "https://h/server.tar";
  write_text(origin.dir / "manifest.json", runed::to_line(document));
  unwrap(install_from(target, origin.dir.path()));
  check_installed_everything(target);
}

TEST_CASE("a bundle with other bytes than it promises is refused") {
  const InstallFixture target;
  const InstallFixture origin;
  write_text(origin.dir / "manifest.json", runed::to_line(origin.document()));
  write_text(origin.dir / "small.gguf", "GGUF other");
  CHECK(unwrap_error(install_from(target, origin.dir.path())).code == ErrorCode::integrity);
  CHECK_FALSE(std::filesystem::exists(target.model_file("m.small")));
}

TEST_CASE("a bundle that contradicts what this runed knows is refused") {
  const InstallFixture target;
  const InstallFixture origin;
  Json document = origin.document();
  document["models"]["qwen3-embedding-0.6b.q8_0"] = document["models"]["m.small"];
  write_text(origin.dir / "manifest.json", runed::to_line(document));
  const Error error =
      unwrap_error(Bundle::open(target.paths, origin.dir.path(), kBuiltinManifest, {}));
  CHECK(error.code == ErrorCode::integrity);
  CHECK(
      error.message.find("has another 'qwen3-embedding-0.6b.q8_0' than the manifest 'builtin:'") !=
      std::string::npos);
}

TEST_CASE("a bundle that is not there, or is none, says so") {
  const InstallFixture target;
  CHECK(unwrap_error(Bundle::open(target.paths, "/no/such.tar", kBuiltinManifest, {})).message ==
        "there is no bundle '/no/such.tar'");
  write_text(target.dir / "junk.tar", "this is no archive at all");
  CHECK(unwrap_error(Bundle::open(target.paths, target.dir / "junk.tar", kBuiltinManifest, {}))
            .code == ErrorCode::integrity);
}

TEST_CASE("a bundle that contradicts the configured manifest is refused") {
  const InstallFixture target;
  InstallFixture origin;
  origin.small = "GGUF other";
  write_text(origin.dir / "small.gguf", origin.small);
  write_text(origin.dir / "manifest.json", runed::to_line(origin.document()));
  const Error error =
      unwrap_error(Bundle::open(target.paths, origin.dir.path(), target.manifest_file(), {}));
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message.find("has another 'm.small' than the manifest") != std::string::npos);
}
