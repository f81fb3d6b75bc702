#pragma once

#include <filesystem>
#include <string>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "bootstrap/config/home.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "bootstrap/manifest/manifest.hpp"
#include "bootstrap/use/ready_llama_server.hpp"
#include "bootstrap/use/ready_model.hpp"
#include "support/fake_environment.hpp"
#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace runed::test {

/// A home, and a manifest beside it whose only artifact is a llama-server: a shell script.
struct EngineFixture {
  EngineFixture() {
    write_text(server_source(), kScript);
    const Json server{{"url", server_source()}, {"sha256", sha256_hex(kScript)}};
    const Json document{
        {"version", 1},
        {"platforms", {{std::string(bootstrap::platform_name()), {{"llama_server", server}}}}}};
    write_text(dir / "manifest.json", to_line(document));
    settings.manifest = {dir / "manifest.json", bootstrap::Origin::environment};
  }

  std::string server_source() const { return dir / "server.sh"; }

  // The llama-server of the manifest, fetched if it is not there.
  Result<std::string> ensure_server() const {
    return bootstrap::ensure_llama_server(paths, settings, environment, {}, clock, {});
  }

  // A program of the user's, and its path.
  std::string make_program(const std::string& name) const {
    write_text(dir / name, kScript);
    std::filesystem::permissions(dir / name, std::filesystem::perms::owner_all);
    return dir / name;
  }

  // A model of this file.
  bootstrap::ReadyModel make_model(const GgufBuilder& builder) const {
    const auto bytes = builder.build();
    write_text(dir / "model.gguf", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    return {.path = dir / "model.gguf"};
  }

  static constexpr const char* kScript = "#!/bin/sh\nexit 1\n";

  TempDir dir;
  FakeEnvironment environment{{"RUNED_HOME", dir / "home"}};
  bootstrap::Paths paths = unwrap(bootstrap::resolve_paths(environment, std::nullopt));
  bootstrap::Settings settings;
  bootstrap::ReadyModel builtin{.variant = "builtin:runed-mini"};
  SystemClock clock;
};

}  // namespace runed::test
