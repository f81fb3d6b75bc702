#pragma once

#include <filesystem>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/sha256.hpp"
#include "bootstrap/archive/tar_writer.hpp"
#include "bootstrap/config/home.hpp"
#include "bootstrap/install/install.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/manifest/manifest.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "support/fake_environment.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace runed::test {

/// A home, and a manifest whose artifacts are files beside it: two models and a llama-server.
struct InstallFixture {
  InstallFixture() {
    write_text(dir / "small.gguf", small);
    write_text(dir / "large.gguf", large);
    make_server("first");
    unwrap(bootstrap::make_directories(paths));
  }

  // Makes the archive of a llama-server that consists of these bytes and a library.
  void make_server(const std::string& content) {
    unwrap(bootstrap::write_tar(
        dir / "server.tar",
        {{.name = "build/bin/llama-server", .content_path = {}, .content = content},
         {.name = "build/bin/libllama.so", .content_path = {}, .content = "library"}},
        {}));
  }

  Json document() const {
    return {
        {"version", 1},
        {"platforms",
         {{std::string(bootstrap::platform_name()),
           {{"llama_server",
             {{"url", dir / "server.tar"},
              {"sha256", sha256_hex(read_text(dir / "server.tar"))},
              {"extract", "tar.gz"},
              {"exec", "build/bin/llama-server"}}}}}}},
        {"models",
         {{"m.small", {{"url", dir / "small.gguf"}, {"sha256", sha256_hex(small)}}},
          {"m.large",
           {{"url", dir / "large.gguf"}, {"sha256", sha256_hex(large)}, {"size", large.size()}}}}},
        {"default_model", "m.small"}};
  }
  bootstrap::Manifest manifest() const { return manifest(document()); }
  bootstrap::Manifest manifest(const Json& changed) const {
    return unwrap(bootstrap::Manifest::parse(to_line(changed), dir / "manifest.json"));
  }
  // Writes the manifest to a file, and returns its path.
  std::string manifest_file() const {
    write_text(dir / "manifest.json", to_line(document()));
    return dir / "manifest.json";
  }

  Result<std::vector<bootstrap::InstallStep>> install(bootstrap::InstallRequest request) const {
    return bootstrap::install(paths, manifest(), request, {}, clock, hooks);
  }
  Result<std::vector<bootstrap::InstallStep>> install_all() const {
    return install(
        {.parts = {bootstrap::Part::llama_server, bootstrap::Part::model}, .variant = {}});
  }

  bootstrap::Installed installed() const {
    return test::unwrap(bootstrap::Installed::load(paths.installed_file));
  }
  std::string model_file(const std::string& variant) const {
    return bootstrap::model_path(paths, variant);
  }
  std::string server_file() const { return paths.llama_cpp_dir + "/build/bin/llama-server"; }

  TempDir dir;
  std::string small = "GGUF small";
  std::string large = "GGUF" + std::string(100'000, 'x');
  bootstrap::Paths paths =
      unwrap(bootstrap::resolve_paths(FakeEnvironment{{"RUNED_HOME", dir / "home"}}, std::nullopt));
  SystemClock clock;
  bootstrap::InstallHooks hooks;
};

}  // namespace runed::test
