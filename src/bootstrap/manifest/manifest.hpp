#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.hpp"
#include "base/result.hpp"

namespace runed::bootstrap {

/// A file to fetch.
struct Artifact {
  std::string url;                   // The manifest's.
  std::vector<std::string> sources;  // What to try in turn: that and its mirrors, or a file.
  std::string sha256;                // 64 lower-case hex digits.
  uint64_t size_bytes = 0;           // 0: unknown.
};

/// What a manifest says of the model in one of its files, besides where it is. What it does not say
/// is empty or 0.
struct PublishedModel {
  std::string sha256;           // Of the file, 64 lower-case hex digits.
  std::string architecture;     // GGUF general.architecture.
  uint32_t dimensions = 0;      // Floats of a vector.
  uint32_t min_dimensions = 0;  // The fewest that a vector may be cut to.
  uint32_t max_tokens = 0;      // The most of one text, its frame included.
  std::string pooling;          // mean, cls, last, or rank for a reranker.
  bool has_prompts = false;     // Whether it says anything of prompts: if so, these are all.
  std::string query_prompt;     // Put before a query; `{task}` in it stands for its task.
  std::string default_task;     // Of queries that come without one.
  std::string document_prompt;  // Put before a document.
  std::map<std::string, std::string> named_prompts;  // Those with a name of their own.
  std::string license;                               // `Apache-2.0`; for people, as the next.
  std::string description;                           // A few words.
  bool is_own = false;                               // Somebody's own model, in a bundle.
};

/// The llama-server of one platform.
struct LlamaServerArtifact {
  Artifact artifact;
  bool is_archive = false;  // To be unpacked; else the executable itself.
  std::string exec;         // The executable, relative to where it is unpacked.
};

/// The name of the llama-server's archive in a bundle.
inline constexpr const char* kBundledLlamaServer = "llama-server.tar.gz";

/// What can be installed, and the digests that it must have (schema version 1). The document is
/// shared with other programs: what is unknown in it is ignored, and an entry is only checked when
/// it is asked for.
class Manifest {
 public:
  /// Parses a manifest; `source` is its URL, for errors.
  /// Errors: bad_config naming the source, the key, what was expected and what was found.
  static Result<Manifest> parse(std::string_view text, std::string source);

  const std::string& source() const { return source_; }

  /// Takes every artifact from a directory from now on: models/<variant>.gguf, <variant>.gguf,
  /// llama-server.tar.gz, or the name at the end of its URL. One that is not there is not_found.
  void take_files_from(std::string directory) { directory_ = std::move(directory); }

  std::vector<std::string> variants() const;
  /// The variant to install when none is named; may be empty.
  std::string default_model() const;

  /// Finds a model by its full name.
  /// Errors: model_missing listing the variants; bad_config for an entry that cannot be used.
  Result<Artifact> model(const std::string& variant) const;

  /// Returns what is said of the models, for whoever has a file and its digest. Nobody has to say
  /// anything: what is missing, or of another type than expected, is left out.
  std::vector<PublishedModel> published_models() const;

  /// The same of one variant, whose digest may be missing.
  PublishedModel describe(const std::string& variant) const;

  /// Finds the llama-server for a platform such as `linux-amd64`.
  /// Errors: not_found if there is none; bad_config for an entry that cannot be used.
  Result<LlamaServerArtifact> llama_server(std::string_view platform) const;

  /// The document as it was read.
  const Json& document() const { return *document_; }

 private:
  Manifest(std::string source, std::shared_ptr<const Json> document)
      : source_(std::move(source)), document_(std::move(document)) {}

  Error fault(std::string_view key, std::string_view why) const;
  Result<Artifact> artifact(const Json& entry, const std::string& key,
                            const std::vector<std::string>& names) const;
  Status find_file(Artifact& artifact, const std::vector<std::string>& names) const;
  Result<std::string> text(const Json& entry, const char* key, const std::string& parent) const;

  std::string source_;
  std::shared_ptr<const Json> document_;
  std::string directory_;  // Empty: artifacts are fetched.
};

/// Returns this machine's platform in the manifest's terms: `linux-amd64`.
std::string_view platform_name();

}  // namespace runed::bootstrap
