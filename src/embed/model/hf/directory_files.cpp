#include "embed/model/hf/directory_files.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "embed/model/hf/json_fields.hpp"
#include "embed/model/hf/safetensors.hpp"

namespace runed::embed::hf {
namespace {

constexpr std::string_view kLfsPointer = "version https://git-lfs.github.com/spec/";
constexpr std::string_view kPickle = "pytorch_model.bin";
constexpr std::string_view kPickleIndex = "pytorch_model.bin.index.json";
constexpr std::string_view kOwnPackage = "sentence_transformers.";
constexpr size_t kMostModules = 16;
constexpr size_t kMostShards = 128;  // Each is a mapping, of which a process has some hundreds.

bool is_lfs_pointer(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.starts_with(kLfsPointer);
}

// Names of folders, one in another, and nothing that leads elsewhere.
bool is_inside(std::string_view path) {
  return std::ranges::all_of(split(path, '/'), [](std::string_view part) {
    return !part.empty() && !part.starts_with('.') && part.find('\0') == std::string_view::npos;
  });
}

}  // namespace

std::string_view Module::kind() const {
  const std::string_view path_of_class = type;
  if (!path_of_class.starts_with(kOwnPackage)) return {};
  return path_of_class.substr(path_of_class.rfind('.') + 1);
}

Result<std::vector<Module>> parse_modules(std::span<const std::byte> bytes) {
  const std::string file(kModules);
  TRY_ASSIGN(const Json json, parse_file(file, bytes));
  if (!json.is_array() || json.empty() || json.size() > kMostModules) {
    return damaged(fmt::format("{}: it is not a list of 1 to {} modules", file, kMostModules));
  }
  std::vector<Module> modules;
  for (const Json& entry : json) {
    TRY_ASSIGN(const Fields fields, Fields::of(file, std::to_string(modules.size()), entry));
    Module module;
    TRY_ASSIGN(auto name, fields.find_text("name"));
    module.name = name.value_or(std::to_string(modules.size()));
    TRY_ASSIGN(module.type, fields.get_text("type"));
    TRY_ASSIGN(auto path, fields.find_text("path"));
    module.path = path.value_or("");
    if (module.path == ".") module.path.clear();
    if (!module.path.empty()) {
      if (module.path.ends_with('/')) module.path.pop_back();
      if (!is_inside(module.path)) {
        return damaged(fmt::format("{} is '{}', which is no folder of the directory",
                                   fields.place_of("path"), printable(module.path)));
      }
      module.path += '/';
    }
    modules.push_back(std::move(module));
  }
  return modules;
}

class DirectoryFiles::Opener {
 public:
  explicit Opener(const DirectoryAccess& access) : access_(access) {}

  Result<DirectoryFiles> open() {
    TRY_ASSIGN(const bool has_modules, take(std::string(kModules)));
    std::vector<Module> modules;
    if (has_modules) {
      TRY_ASSIGN(modules, parse_modules(opened_.files_.back().bytes));
    }
    for (const Module& module : modules) {
      const bool is_static = module.kind() == "StaticEmbedding";
      if (module.kind() != "Transformer" && !is_static) continue;
      opened_.transformer_ = module.path;
      opened_.is_static_ = is_static;
    }
    TRY(take_transformer());
    TRY(take(std::string(kSentenceTransformers)));
    for (const Module& module : modules) TRY(take_module(module));
    std::ranges::sort(opened_.files_, {}, &DirectoryFile::name);
    return std::move(opened_);
  }

 private:
  // Opens a file, unless there is none or it is open.
  Result<bool> take(const std::string& name) {
    if (opened_.find(name) != nullptr) return true;
    TRY_ASSIGN(const auto bytes, access_.open(name));
    if (!bytes) return false;
    if (is_lfs_pointer(*bytes)) {
      return make_error(ErrorCode::model_corrupt,
                        "{} is a pointer of Git LFS, and not the file itself", name)
          .with_hint("fetch the files with 'git lfs pull', or the directory with 'hf download'");
    }
    opened_.files_.push_back({name, *bytes});
    return true;
  }

  Status require(const std::string& name) {
    TRY_ASSIGN(const bool is_there, take(name));
    if (is_there) return {};
    return make_error(ErrorCode::model_missing, "{} is not in the directory", name)
        .with_hint("get the directory once more, with all of its files");
  }

  // A file by which transformers computes something else.
  Status refuse_file(const std::string& name, std::string_view why) const {
    if (!access_.exists(name)) return {};
    return not_served(fmt::format("{}: {}, which is not served", name, why),
                      "save the model once more with save_pretrained of its own library, merged");
  }

  Status take_transformer() {
    const std::string& folder = opened_.transformer_;
    const std::string config = folder + std::string(kConfig);
    bool is_model = opened_.is_static_;  // What such a table's says nobody needs.
    if (!is_model) {
      TRY_ASSIGN(is_model, take(config));
    }
    if (!is_model) {
      return make_error(ErrorCode::model_missing,
                        "it is a directory, not a regular file, and no model: {} is not in it", config)
          .with_hint("name a GGUF file, or a whole directory of Hugging Face's");
    }
    TRY(take(folder + std::string(kTokenizerConfig)));
    TRY(take(folder + std::string(kSentenceBert)));
    TRY_ASSIGN(const bool has_tokenizer, take(folder + std::string(kTokenizer)));
    if (!has_tokenizer) {
      TRY(take(folder + std::string(kVocabulary)));
      TRY(refuse_file(folder + "added_tokens.json", "tokens are added to those of vocab.txt"));
    }
    TRY(refuse_file(folder + "adapter_config.json", "an adapter changes the weights"));
    return take_weights(folder);
  }

  // As transformers does: one file counts before an index of several.
  Status take_weights(const std::string& folder) {
    TRY_ASSIGN(const bool has_one, take(folder + std::string(kWeights)));
    if (has_one) return {};
    const std::string index = folder + std::string(kWeightsIndex);
    TRY_ASSIGN(const bool has_several, take(index));
    if (!has_several) return no_weights(folder);
    TRY_ASSIGN(const auto places, parse_safetensors_index(index, opened_.files_.back().bytes));
    std::set<std::string> shards;
    for (const auto& [tensor, shard] : places) shards.insert(shard);
    if (shards.size() > kMostShards) {
      return damaged(fmt::format("{}: it names {} files", index, shards.size()));
    }
    for (const std::string& shard : shards) TRY(require(folder + shard));
    return {};
  }

  Error no_weights(const std::string& folder) const {
    for (const std::string_view pickle : {kPickle, kPickleIndex}) {
      if (!access_.exists(folder + std::string(pickle))) continue;
      return not_served(
          fmt::format("the weights are in {}{} alone, a Python pickle, which is a program and is "
                      "never loaded",
                      folder, pickle),
          "write them as safetensors in Python: "
          "AutoModel.from_pretrained(DIR).save_pretrained(DIR, safe_serialization=True)");
    }
    return make_error(ErrorCode::model_missing, "there are no weights: neither {}{} nor {}{}",
                      folder, kWeights, folder, kWeightsIndex)
        .with_hint("get the directory once more, with all of its files");
  }

  Status take_module(const Module& module) {
    if (module.kind() == "Pooling") return require(module.path + std::string(kConfig));
    if (module.kind() != "Dense") return {};
    TRY(require(module.path + std::string(kConfig)));
    return take_weights(module.path);
  }

  const DirectoryAccess& access_;
  DirectoryFiles opened_;
};

Result<DirectoryFiles> DirectoryFiles::open(const DirectoryAccess& access) {
  return Opener(access).open();
}

const DirectoryFile* DirectoryFiles::find(std::string_view name) const {
  const auto found = std::ranges::find(files_, name, &DirectoryFile::name);
  return found == files_.end() ? nullptr : &*found;
}

const DirectoryFile* DirectoryFiles::find_of_transformer(std::string_view name) const {
  return find(transformer_ + std::string(name));
}

}  // namespace runed::embed::hf
