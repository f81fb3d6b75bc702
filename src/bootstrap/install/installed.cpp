#include "bootstrap/install/installed.hpp"

#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/config/json_document.hpp"
#include "os/file/atomic_file.hpp"

namespace runed::bootstrap {
namespace {

constexpr size_t kMostBytes = size_t{4} << 20;

Error damaged(const std::string& path, std::string_view why) {
  return bad_document(path, fmt::format("it is damaged: {}", why))
      .with_hint(
          "'runed install --variant NAME' writes it anew; until then it is not known which model "
          "is "
          "the default");
}

// The members of a file that is being loaded, as what they must be. A member that is absent is empty.
class Document {
 public:
  Document(const std::string& path, const Json& json) : path_(path), json_(json) {}

  Result<std::string> text(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) return std::string();
    if (!found->is_string()) return wrong(key, "a string", *found);
    return found->get<std::string>();
  }

  Result<Json> object(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) return Json::object();
    if (!found->is_object()) return wrong(key, "an object", *found);
    return *found;
  }

  // What is needed to check what was installed: without a digest anything would pass.
  Result<InstalledArtifact> artifact(const std::string& name) const {
    InstalledArtifact artifact;
    TRY_ASSIGN(artifact.url, text("url"));
    TRY_ASSIGN(artifact.sha256, text("sha256"));
    TRY_ASSIGN(artifact.path, text("path"));
    if (artifact.sha256.empty() || artifact.path.empty()) {
      return damaged(path_, fmt::format("the entry of '{}' has no sha256 or no path",
                                        printable(name)));
    }
    const auto size = json_.find("size");
    if (size != json_.end() && size->is_number_unsigned()) {
      artifact.size_bytes = size->get<uint64_t>();
    }
    artifact.is_own = json_.value("own", Json()) == true;
    artifact.is_reranker = json_.value("reranker", Json()) == true;
    return artifact;
  }

  // The member that is an artifact, if there is one.
  Result<std::optional<InstalledArtifact>> find_artifact(const char* key) const {
    TRY_ASSIGN(const Json entry, object(key));
    if (entry.empty()) return std::optional<InstalledArtifact>();
    TRY_ASSIGN(auto artifact, Document(path_, entry).artifact(key));
    return std::optional(std::move(artifact));
  }

 private:
  Error wrong(const char* key, std::string_view expected, const Json& found) const {
    return damaged(path_,
                   fmt::format("{}: expected {}, found {}", key, expected, describe_type(found)));
  }

  const std::string& path_;
  const Json& json_;
};

Json to_json(const InstalledArtifact& artifact) {
  Json json{{"url", artifact.url}, {"sha256", artifact.sha256}, {"path", artifact.path}};
  if (artifact.size_bytes > 0) json["size"] = artifact.size_bytes;
  if (artifact.is_own) json["own"] = true;
  if (artifact.is_reranker) json["reranker"] = true;
  return json;
}

}  // namespace

Result<Installed> Installed::load(const std::string& path) {
  const auto text = read_document(
      path, kMostBytes,
      fmt::format("run: mv {} {}", shell_quoted(path), shell_quoted(path + ".aside")));
  if (!text && text.error().code == ErrorCode::not_found) return Installed();
  if (!text) return text.error();
  const auto json = parse_json(*text);
  if (!json) return damaged(path, json.error().message);
  if (!json->is_object()) {
    return damaged(path, "expected an object, found " + describe_type(*json));
  }
  const Document document(path, *json);
  Installed installed;
  TRY_ASSIGN(installed.manifest_url, document.text("manifest_url"));
  TRY_ASSIGN(installed.platform, document.text("platform"));
  TRY_ASSIGN(installed.installed_at, document.text("installed_at"));
  TRY_ASSIGN(installed.model_variant, document.text("model_variant"));
  TRY_ASSIGN(const Json artifacts, document.object("artifacts"));
  TRY_ASSIGN(installed.llama_server, Document(path, artifacts).find_artifact("llama_server"));
  TRY_ASSIGN(installed.model, Document(path, artifacts).find_artifact("model"));
  TRY_ASSIGN(const Json variants, document.object("variants"));
  for (const auto& [variant, entry] : variants.items()) {
    TRY_ASSIGN(auto artifact, Document(path, entry).artifact(variant));
    installed.variants.emplace(variant, std::move(artifact));
  }
  // Written by the predecessor, which knew of one model.
  if (installed.model.has_value() && !installed.model_variant.empty()) {
    installed.variants.emplace(installed.model_variant, *installed.model);
  }
  TRY_ASSIGN(const Json files, document.object("llama_server_files"));
  for (const auto& [file, sha256] : files.items()) {
    if (!sha256.is_string()) {
      return damaged(path, fmt::format("'{}' has no digest", printable(file)));
    }
    installed.llama_server_files.emplace(file, sha256.get<std::string>());
  }
  return installed;
}

Installed Installed::load_or_empty(const std::string& path) {
  auto installed = load(path);
  return installed ? *std::move(installed) : Installed();
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
