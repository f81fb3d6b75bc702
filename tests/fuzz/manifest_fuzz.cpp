// Any bytes as a manifest: refused with its source, or every entry is refused or can be used.

#include <filesystem>
#include <string_view>

#include "base/check.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/manifest/manifest.hpp"
#include "bootstrap/manifest/variant.hpp"

namespace bootstrap = runed::bootstrap;

namespace {

void check_artifact(const bootstrap::Artifact& artifact) {
  CHECK(artifact.sha256.size() == 64);
  CHECK(!artifact.sources.empty());
  for (const std::string& source : artifact.sources) CHECK(bootstrap::kind_of_url(source));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = bootstrap::Manifest::parse(text, "m.json");
  if (!manifest.has_value()) {
    CHECK(manifest.error().code == runed::ErrorCode::bad_config);
    CHECK(manifest.error().message.starts_with("cannot use 'm.json': "));
    return 0;
  }
  for (const std::string& variant : manifest->variants()) {
    const auto model = manifest->model(variant);
    if (!model) continue;
    CHECK(bootstrap::is_variant_name(variant));
    check_artifact(*model);
  }
  for (const bootstrap::PublishedModel& model : manifest->published_models()) {
    CHECK(model.sha256.size() == 64);
    CHECK(model.has_prompts || model.query_prompt.empty());
    CHECK(model.query_prompt.find("{task}") == std::string::npos || !model.default_task.empty());
  }
  const auto server = manifest->llama_server("linux-amd64");
  if (!server) return 0;
  check_artifact(server->artifact);
  CHECK(!server->exec.starts_with('/'));
  CHECK(*std::filesystem::path(server->exec).lexically_normal().begin() != "..");
  return 0;
}
