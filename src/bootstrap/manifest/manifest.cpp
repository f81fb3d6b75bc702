#include "bootstrap/manifest/manifest.hpp"

#include <algorithm>
#include <filesystem>

#include "base/hex_digest.hpp"
#include "base/json.hpp"
#include "base/letter_case.hpp"
#include "base/text.hpp"
#include "bootstrap/config/json_document.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/manifest/variant.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr int kVersion = 1;
constexpr const char* kDefaultExecutable = "llama-server";

// The last part of a URL's path, which most servers name the file by.
std::string base_name(const std::string& url) {
  const std::string path = url.substr(0, url.find_first_of("?#"));
  return path.substr(path.rfind('/') + 1);
}

// Below the directory that it is joined to, wherever that is.
bool is_local(const std::string& name) {
  const auto path = std::filesystem::path(name).lexically_normal();
  return !path.empty() && path.is_relative() && *path.begin() != ".." && path != "." &&
         name.find('\0') == std::string::npos && path.has_filename();
}

uint32_t number_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return 0;
  const auto number = found->get<uint64_t>();
  return number <= INT32_MAX ? static_cast<uint32_t>(number) : 0;
}

// A prompt with a place for a task and nothing to put there is as good as none that is known.
void read_prompts(const Json& entry, PublishedModel& model) {
  const auto prompts = entry.find("prompts");
  if (prompts == entry.end() || !prompts->is_object()) return;
  std::string query = text_of(*prompts, "query");
  std::string task = text_of(entry, "default_task");
  if (task.empty() && query.find("{task}") != std::string::npos) return;
  model.has_prompts = true;
  model.query_prompt = std::move(query);
  model.default_task = std::move(task);
  model.document_prompt = text_of(*prompts, "document");
  for (const auto& [name, prompt] : prompts->items()) {
    if (name == "query" || name == "document" || !prompt.is_string()) continue;
    model.named_prompts.emplace(name, prompt.get<std::string>());
  }
}

PublishedModel read_model(const Json& entry) {
  PublishedModel model;
  model.sha256 = in_lower_case(text_of(entry, "sha256"));
  if (!is_sha256_hex(model.sha256)) model.sha256.clear();
  model.architecture = text_of(entry, "architecture");
  model.dimensions = number_of(entry, "dimensions");
  model.min_dimensions = number_of(entry, "min_dimensions");
  model.max_tokens = number_of(entry, "max_tokens");
  model.pooling = text_of(entry, "pooling");
  read_prompts(entry, model);
  model.license = text_of(entry, "license");
  model.description = text_of(entry, "description");
  model.is_own = entry.value("own", Json()) == true;
  return model;
}

// The object under a key; null where it is missing.
Result<const Json*> find_object(const Json& parent, const std::string& key) {
  const auto found = parent.find(key);
  if (found == parent.end() || found->is_null()) return nullptr;
  if (found->is_object()) return &*found;
  return make_error(ErrorCode::bad_config, "{}: expected an object, found {}", key,
                    describe_type(*found));
}

}  // namespace

Result<Manifest> Manifest::parse(std::string_view text, std::string source) {
  TRY_ASSIGN(Json document, parse_document(text, display_url(source), kVersion));
  if (!document.contains("version")) {
    return bad_document(display_url(source),
                        fmt::format("version: expected {}, found nothing", kVersion));
  }
  for (const char* key : {"models", "platforms"}) {
    if (auto object = find_object(document, key); !object) {
      return bad_document(display_url(source), object.error().message);
    }
  }
  const auto fallback = document.find("default_model");
  if (fallback != document.end() && !fallback->is_string()) {
    return bad_document(display_url(source),
                        "default_model: expected a string, found " + describe_type(*fallback));
  }
  return Manifest(std::move(source), std::make_shared<const Json>(std::move(document)));
}

Error Manifest::fault(std::string_view key, std::string_view why) const {
  return bad_document(display_url(source_), fmt::format("{}: {}", printable(key), why));
}

std::vector<std::string> Manifest::variants() const {
  std::vector<std::string> names;
  const auto models = document_->find("models");
  if (models == document_->end() || !models->is_object()) return names;
  for (const auto& [name, entry] : models->items()) names.push_back(name);
  return names;
}

std::string Manifest::default_model() const {
  return document_->value("default_model", "");
}

Result<std::string> Manifest::text(const Json& entry, const char* key,
                                   const std::string& parent) const {
  const auto found = entry.find(key);
  if (found == entry.end() || found->is_null()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  return fault(fmt::format("{}.{}", parent, key),
               "expected a string, found " + describe_type(*found));
}

// Names of a bundle's files in the order in which they are looked for.
Status Manifest::find_file(Artifact& artifact, const std::vector<std::string>& names) const {
  if (directory_.empty()) return {};
  for (const std::string& name : names) {
    const std::string path = directory_ + "/" + name;
    if (!os::is_regular_file(path)) continue;
    artifact.sources = {path};
    return {};
  }
  return make_error(ErrorCode::not_found, "'{}' has no file '{}'", source_,
                    printable(names.front()));
}

Result<Artifact> Manifest::artifact(const Json& entry, const std::string& key,
                                    const std::vector<std::string>& names) const {
  Artifact artifact;
  TRY_ASSIGN(artifact.url, text(entry, "url", key));
  artifact.sources.push_back(artifact.url);
  if (const auto mirrors = entry.find("mirrors"); mirrors != entry.end()) {
    const bool are_texts =
        mirrors->is_array() &&
        std::ranges::all_of(*mirrors, [](const Json& mirror) { return mirror.is_string(); });
    if (!are_texts) return fault(key + ".mirrors", "expected an array of strings");
    for (const Json& mirror : *mirrors) artifact.sources.push_back(mirror.get<std::string>());
  }
  for (const std::string& each : artifact.sources) {
    if (each.empty()) return fault(key + ".url", "expected a URL, found nothing");
    if (!kind_of_url(each)) {
      return fault(key + ".url", fmt::format("expected https, http or a file, found '{}'",
                                             printable(display_url(each))));
    }
  }
  TRY_ASSIGN(artifact.sha256, text(entry, "sha256", key));
  if (!is_sha256_hex(artifact.sha256)) {
    return fault(key + ".sha256",
                 fmt::format("expected 64 hex digits, found '{}'", printable(artifact.sha256)));
  }
  artifact.sha256 = in_lower_case(artifact.sha256);
  if (const auto size = entry.find("size"); size != entry.end() && !size->is_null()) {
    if (!size->is_number_unsigned()) return fault(key + ".size", "expected a number of bytes");
    artifact.size_bytes = size->get<uint64_t>();
  }
  std::vector<std::string> all = names;
  all.push_back(base_name(artifact.url));
  TRY(find_file(artifact, all));
  return artifact;
}

Result<Artifact> Manifest::model(const std::string& variant) const {
  const auto models = document_->find("models");
  if (models == document_->end() || !models->is_object() || !models->contains(variant)) {
    return make_error(ErrorCode::model_missing, "the manifest '{}' has no model '{}'",
                      display_url(source_), printable(variant))
        .with_hint(advise_variant(variants(), variant));
  }
  const std::string key = "models." + variant;
  if (!is_variant_name(variant)) {
    return fault(key, "a variant's name has letters, digits and . _ - + only");
  }
  const Json& entry = models->at(variant);
  if (!entry.is_object()) return fault(key, "expected an object, found " + describe_type(entry));
  return artifact(entry, key, {fmt::format("models/{}.gguf", variant), variant + ".gguf"});
}

std::vector<PublishedModel> Manifest::published_models() const {
  std::vector<PublishedModel> published;
  const auto models = document_->find("models");
  if (models == document_->end() || !models->is_object()) return published;
  for (const Json& entry : *models) {
    if (!entry.is_object()) continue;
    PublishedModel model = read_model(entry);
    if (!model.sha256.empty()) published.push_back(std::move(model));
  }
  return published;
}

PublishedModel Manifest::describe(const std::string& variant) const {
  const auto models = document_->find("models");
  if (models == document_->end() || !models->is_object()) return {};
  const auto entry = models->find(variant);
  return entry == models->end() || !entry->is_object() ? PublishedModel() : read_model(*entry);
}

Result<LlamaServerArtifact> Manifest::llama_server(std::string_view platform) const {
  const std::string key = fmt::format("platforms.{}.llama_server", platform);
  const Json* entry = nullptr;
  if (const auto platforms = document_->find("platforms"); platforms != document_->end()) {
    if (const auto found = platforms->find(platform); found != platforms->end()) {
      if (!found->is_object()) return fault(key, "expected an object around it");
      auto object = find_object(*found, "llama_server");
      if (!object) return fault(fmt::format("platforms.{}", platform), object.error().message);
      entry = *object;
    }
  }
  if (entry == nullptr) {
    return make_error(ErrorCode::not_found, "the manifest '{}' has no llama_server for {}",
                      display_url(source_), platform);
  }
  LlamaServerArtifact server;
  TRY_ASSIGN(server.artifact, artifact(*entry, key, {kBundledLlamaServer}));
  TRY_ASSIGN(const std::string extract, text(*entry, "extract", key));
  TRY_ASSIGN(server.exec, text(*entry, "exec", key));
  if (extract != "" && extract != "tar.gz" && extract != "zip") {
    return fault(key + ".extract",
                 fmt::format("unsupported extract type '{}'", printable(extract)));
  }
  server.is_archive = !extract.empty();
  if (server.is_archive && server.exec.empty()) {
    return fault(key + ".exec", "expected the executable in the archive, found nothing");
  }
  if (server.exec.empty()) server.exec = kDefaultExecutable;
  if (!is_local(server.exec)) {
    return fault(key + ".exec", fmt::format("expected a path inside the archive, found '{}'",
                                            printable(server.exec)));
  }
  server.exec = std::filesystem::path(server.exec).lexically_normal();  // As it is on disk.
  return server;
}

std::string_view platform_name() {
#if defined(__x86_64__)
  return "linux-amd64";
#elif defined(__aarch64__)
  return "linux-arm64";
#else
  return "unknown";
#endif
}

}  // namespace runed::bootstrap
