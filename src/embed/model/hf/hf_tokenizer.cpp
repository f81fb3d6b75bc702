// The parts of tokenizer.json as huggingface/tokenizers writes them (tokenizers/src: normalizers,
// pre_tokenizers, models, processors), as far as GGUF's keys, and ours, can say the same.
#include "embed/model/hf/hf_tokenizer.hpp"

#include <array>
#include <string>

#include "embed/model/hf/byte_pair_json.hpp"
#include "embed/model/hf/json_fields.hpp"
#include "embed/model/hf/tokenizer_components.hpp"
#include "embed/model/hf/unigram_json.hpp"
#include "embed/model/hf/vocabulary_file.hpp"
#include "embed/model/hf/word_piece_json.hpp"
#include "embed/model/hf/word_piece_keys.hpp"

namespace runed::embed::hf {
namespace {

// A kind of model that tokenizer.json may have.
struct Model {
  std::string_view type;
  Status (*write)(const TokenizerSource& source, GgufMetadata& metadata);
};

constexpr std::array kModels{
    Model{"BPE", write_byte_pair_json},
    Model{"Unigram", write_unigram_json},
    Model{"WordPiece", write_word_piece_json},
};

// Files of old versions do not name the kind of a model that can be told by its members.
Result<std::string> type_of_model(const Fields& model) {
  if (!model.has("type") && model.has("continuing_subword_prefix")) return std::string("WordPiece");
  return type_of(model);
}

Status write_json(const TokenizerSource& source, GgufMetadata& metadata) {
  // The model first: it tells most of what a directory has in place of BERT's.
  TRY_ASSIGN(const Fields model, source.json.get_object("model"));
  TRY_ASSIGN(const std::string type, type_of_model(model));
  for (const Model& row : kModels) {
    if (row.type == type) return row.write(source, metadata);
  }
  return refuse_component("model", type);
}

}  // namespace

Status write_tokenizer(const DirectoryFiles& files, const TokenizerUse& use,
                       GgufMetadata& metadata) {
  const DirectoryFile* config = files.find_of_transformer(kTokenizerConfig);
  if (const DirectoryFile* file = files.find_of_transformer(kTokenizer)) {
    TRY_ASSIGN(const Json json, parse_file(file->name, file->bytes));
    TRY_ASSIGN(const Fields fields, Fields::of(file->name, {}, json));
    return write_json({fields, config, use.vocabulary, use.lowercase_first, use.has_frame},
                      metadata);
  }
  const DirectoryFile* file = files.find_of_transformer(kVocabulary);
  if (file == nullptr) {
    return make_error(ErrorCode::model_missing, "there is no tokenizer: neither {}{} nor {}{}",
                      files.transformer(), kTokenizer, files.transformer(), kVocabulary)
        .with_hint("get the directory once more, with all of its files");
  }
  TRY_ASSIGN(WordPiece tokenizer, read_vocabulary_file(*file, config));
  if (use.lowercase_first) tokenizer.normalizer.lowercase = true;
  if (!use.has_frame) tokenizer.first = tokenizer.last = {};
  return write_word_piece(tokenizer, std::string(kVocabulary), use.vocabulary, metadata);
}

}  // namespace runed::embed::hf
