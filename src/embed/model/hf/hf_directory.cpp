#include "embed/model/hf/hf_directory.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/gguf_writer.hpp"
#include "embed/model/hf/hf_architecture.hpp"
#include "embed/model/hf/hf_tensors.hpp"
#include "embed/model/hf/hf_tokenizer.hpp"
#include "embed/model/hf/json_fields.hpp"
#include "embed/model/hf/rank_head.hpp"
#include "embed/model/hf/sentence_transformers.hpp"
#include "embed/model/hf/static_table.hpp"
#include "embed/model/hf/weights_of_folder.hpp"
#include "embed/model/hf/yes_no_head.hpp"

namespace runed::embed::hf {
namespace {

constexpr uint32_t kQuantizationVersion = 2;  // Source: ggml.h, GGML_QNT_VERSION.

void write_prompts(const SentenceTransformers& said, GgufMetadata& metadata) {
  if (said.prompts.empty()) return;
  std::vector<std::string> names;
  std::vector<std::string> texts;
  for (const auto& [name, text] : said.prompts) {
    names.push_back(name);
    texts.push_back(text);
  }
  metadata.add("runed.prompts.names", names);
  metadata.add("runed.prompts.texts", texts);
  if (said.default_prompt.empty()) return;
  metadata.add("runed.prompts.default", std::string_view(said.default_prompt));
}

/// Reads the parts in the order in which a file has their keys.
class DirectoryReader {
 public:
  DirectoryReader(const DirectoryFiles& files, const std::string& name)
      : files_(files), name_(name) {}

  Result<Gguf> read() {
    if (files_.is_static()) return read_static();
    const DirectoryFile& file = *files_.find_of_transformer(kConfig);
    TRY_ASSIGN(const Json json, parse_file(file.name, file.bytes));
    TRY_ASSIGN(const Fields config, Fields::of(file.name, {}, json));
    TRY_ASSIGN(const HfArchitecture* architecture, get_hf_architecture(config));
    metadata_.add("general.architecture", architecture->gguf);
    metadata_.add("general.type", "model");
    metadata_.add("general.name", std::string_view(name_));
    const ConfigReader reader(config, architecture->gguf, metadata_);
    TRY_ASSIGN(const ModelSizes sizes, architecture->read_config(reader));
    const HfRankHead* const head = find_head(config);
    TRY_ASSIGN(const SentenceTransformers said,
               head == nullptr ? read_sentence_transformers(files_) : read_cross_encoder(files_));
    TRY_ASSIGN(const uint32_t longest, read_longest_text(files_, said, sizes.positions));
    if (head != nullptr) {
      TRY(add_rank_head(*head, reader));
    } else {
      reader.add("pooling_type", static_cast<uint32_t>(said.pooling));
    }
    TRY(read_tensors(*architecture, sizes, said, config, head));
    metadata_.add("general.file_type", file_type_of(tensors_.front().type));
    metadata_.add("general.quantization_version", kQuantizationVersion);
    TRY(write_tokenizer(files_,
                        {.vocabulary = sizes.vocabulary, .lowercase_first = said.lowercase_first},
                        metadata_));
    metadata_.add("runed.max_seq_length", longest);
    write_prompts(said, metadata_);
    return Gguf::assemble(metadata_.file(), std::move(tensors_));
  }

 private:
  Result<Gguf> read_static() {
    metadata_.add("general.architecture", "static");
    metadata_.add("general.type", "model");
    metadata_.add("general.name", std::string_view(name_));
    TRY_ASSIGN(const SentenceTransformers said, read_sentence_transformers(files_));
    TRY_ASSIGN(const auto tensors, read_weights(files_, files_.transformer()));
    TRY_ASSIGN(PlacedTensor table, read_static_table(tensors));
    const auto vocabulary = static_cast<uint32_t>(table.shape[1]);
    metadata_.add("static.embedding_length", static_cast<uint32_t>(table.shape[0]));
    metadata_.add("static.pooling_type", static_cast<uint32_t>(said.pooling));
    metadata_.add("general.file_type", file_type_of(table.type));
    metadata_.add("general.quantization_version", kQuantizationVersion);
    TRY(write_tokenizer(files_, {.vocabulary = vocabulary, .has_frame = false}, metadata_));
    write_prompts(said, metadata_);
    tensors_.push_back(std::move(table));
    return Gguf::assemble(metadata_.file(), std::move(tensors_));
  }

  // Null: it makes vectors.
  const HfRankHead* find_head(const Fields& config) const {
    if (is_yes_no_reranker(config, files_, name_)) return &kYesNoHead;
    return find_rank_head(config);
  }

  Status read_tensors(const HfArchitecture& architecture, const ModelSizes& sizes,
                      const SentenceTransformers& said, const Fields& config,
                      const HfRankHead* head) {
    TRY_ASSIGN(const auto tensors, read_weights(files_, files_.transformer()));
    const auto of_head = head == nullptr ? std::span<const NameRow>() : head->tensors;
    TRY_ASSIGN(tensors_, place_tensors(architecture, sizes, tensors, of_head));
    if (head == &kYesNoHead) {
      TRY_ASSIGN(auto output, place_yes_and_no(config, files_, sizes, tensors));
      tensors_.push_back(std::move(output));
    }
    uint32_t width = sizes.width;
    size_t number = 2;  // As llama.cpp counts them, from the Transformer and the Pooling on.
    for (const std::string& folder : said.dense) {
      TRY_ASSIGN(auto dense, read_dense(files_, folder, std::string(architecture.gguf), number,
                                        width, metadata_));
      std::ranges::move(dense, std::back_inserter(tensors_));
      ++number;
    }
    return {};
  }

  const DirectoryFiles& files_;
  const std::string& name_;
  GgufMetadata metadata_;
  std::vector<PlacedTensor> tensors_;
};

}  // namespace

Result<Gguf> read_directory(const DirectoryFiles& files, const std::string& name) {
  return DirectoryReader(files, name).read();
}

std::string directory_model_name(const std::string& path) {
  constexpr std::string_view kCacheEntry = "models--";
  std::vector<std::string_view> parts = split(path, '/');
  std::erase_if(parts, [](std::string_view part) { return part.empty() || part == "."; });
  const size_t count = parts.size();
  if (count >= 3 && parts[count - 2] == "snapshots" && parts[count - 3].starts_with(kCacheEntry)) {
    const std::string_view entry = parts[count - 3];
    const size_t name = entry.rfind("--") + 2;
    if (name < entry.size()) return escape_invalid_utf8(entry.substr(name));
  }
  return count == 0 ? "unnamed" : escape_invalid_utf8(parts.back());
}

}  // namespace runed::embed::hf
