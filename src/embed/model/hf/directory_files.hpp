#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace runed::embed::hf {

inline constexpr std::string_view kConfig = "config.json";
inline constexpr std::string_view kModules = "modules.json";
inline constexpr std::string_view kTokenizer = "tokenizer.json";
inline constexpr std::string_view kTokenizerConfig = "tokenizer_config.json";
inline constexpr std::string_view kVocabulary = "vocab.txt";
inline constexpr std::string_view kSentenceBert = "sentence_bert_config.json";
inline constexpr std::string_view kSentenceTransformers = "config_sentence_transformers.json";
inline constexpr std::string_view kWeights = "model.safetensors";
inline constexpr std::string_view kWeightsIndex = "model.safetensors.index.json";

/// One file of a model directory.
struct DirectoryFile {
  std::string name;  // Relative to the directory: `1_Pooling/config.json`.
  std::span<const std::byte> bytes;
};

/// How files of a directory are had; those of a test lie in memory.
struct DirectoryAccess {
  // Opens a file and keeps it; none if there is none of this name.
  std::function<Result<std::optional<std::span<const std::byte>>>(const std::string& name)> open;
  // Tells whether there is a file of this name, and leaves it alone.
  std::function<bool(const std::string& name)> exists;
};

/// The files of a directory that a model is made of, sorted by the bytes of their names. No other
/// file of it matters, whatever it is.
class DirectoryFiles {
 public:
  /// Opens them: those that modules.json and the index of the weights name, and those that have a
  /// name of their own.
  /// Errors: model_missing without config.json or weights; model_unsupported where the weights are
  ///         Python's pickle; model_corrupt for a Git LFS pointer, and for a modules.json or an
  ///         index that cannot be read.
  static Result<DirectoryFiles> open(const DirectoryAccess& access);

  const std::vector<DirectoryFile>& files() const { return files_; }
  const DirectoryFile* find(std::string_view name) const;

  /// Tells whether the model is a table of vectors, StaticEmbedding, in the place of a transformer.
  bool is_static() const { return is_static_; }

  /// Where the files of the transformer are: nothing, or the name of a folder with a slash.
  const std::string& transformer() const { return transformer_; }
  /// Finds a file of the transformer.
  const DirectoryFile* find_of_transformer(std::string_view name) const;

 private:
  class Opener;

  bool is_static_ = false;
  std::string transformer_;
  std::vector<DirectoryFile> files_;
};

/// One entry of modules.json: a step from a text to its vector.
struct Module {
  std::string name;  // As the file numbers it.
  std::string type;  // The Python class in full.
  std::string path;  // Nothing, or the name of a folder with a slash.

  /// The last part of the class, if it is one of sentence-transformers itself: `Pooling`.
  std::string_view kind() const;
};

/// Parses modules.json.
/// Errors: model_corrupt; also for a path that leads out of the directory.
Result<std::vector<Module>> parse_modules(std::span<const std::byte> bytes);

}  // namespace runed::embed::hf
