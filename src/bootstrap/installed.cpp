#include "bootstrap/installed.hpp"

#include "bootstrap/json_document.hpp"
#include "os/atomic_file.hpp"
#include "os/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr size_t kMostBytes = size_t{4} << 20;

const Json& object_of(const Json& object, const char* key) {
  static const Json kEmpty = Json::object();
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : kEmpty;
}

// Nothing for an entry that does not say what is needed to check it.
std::optional<InstalledArtifact> artifact_of(const Json& entry) {
  if (!entry.is_object()) return std::nullopt;
  InstalledArtifact artifact{.url = text_of(entry, "url"),
                             .sha256 = text_of(entry, "sha256"),
                             .path = text_of(entry, "path"),
                             .size_bytes = 0};
  if (artifact.sha256.empty() || artifact.path.empty()) return std::nullopt;
  const auto size = entry.find("size");
  if (size != entry.end() && size->is_number_unsigned()) {
    artifact.size_bytes = size->get<uint64_t>();
  }
  return artifact;
}

Json to_json(const InstalledArtifact& artifact) {
  Json json{{"url", artifact.url}, {"sha256", artifact.sha256}, {"path", artifact.path}};
  if (artifact.size_bytes > 0) json["size"] = artifact.size_bytes;
  return json;
}

}  // namespace

Installed Installed::read(const std::string& path) {
  Installed installed;
  const auto text = os::read_file(path, kMostBytes);
  if (!text) return installed;
  const auto document = parse_json(*text);
  if (!document || !document->is_object()) return installed;
  installed.manifest_url = text_of(*document, "manifest_url");
  installed.platform = text_of(*document, "platform");
  installed.installed_at = text_of(*document, "installed_at");
  installed.model_variant = text_of(*document, "model_variant");
  const Json& artifacts = object_of(*document, "artifacts");
  installed.llama_server = artifact_of(object_of(artifacts, "llama_server"));
  installed.model = artifact_of(object_of(artifacts, "model"));
  for (const auto& [variant, entry] : object_of(*document, "variants").items()) {
    if (auto artifact = artifact_of(entry)) {
      installed.variants.emplace(variant, *std::move(artifact));
    }
  }
  // Written by the predecessor, which knew of one model.
  if (installed.model.has_value() && !installed.model_variant.empty()) {
    installed.variants.emplace(installed.model_variant, *installed.model);
  }
  for (const auto& [file, sha256] : object_of(*document, "llama_server_files").items()) {
    if (sha256.is_string()) installed.llama_server_files.emplace(file, sha256.get<std::string>());
  }
  return installed;
}

Status Installed::write(const std::string& path) const {
  Json document{{"manifest_url", manifest_url},
                {"manifest_version", manifest_version},
                {"platform", platform},
                {"installed_at", installed_at}};
  if (!model_variant.empty()) document["model_variant"] = model_variant;
  Json artifacts = Json::object();
  if (llama_server.has_value()) artifacts["llama_server"] = to_json(*llama_server);
  if (model.has_value()) artifacts["model"] = to_json(*model);
  document["artifacts"] = std::move(artifacts);
  if (!variants.empty()) {
    Json all = Json::object();
    for (const auto& [variant, artifact] : variants) all[variant] = to_json(artifact);
    document["variants"] = std::move(all);
  }
  if (!llama_server_files.empty()) document["llama_server_files"] = llama_server_files;
  return os::write_file_atomically(path, to_document(document), 0600);
}

}  // namespace runed::bootstrap
