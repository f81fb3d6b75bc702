// The parts of tokenizer.json as huggingface/tokenizers writes them (tokenizers/src: normalizers,
// pre_tokenizers, models, processors), as far as GGUF's keys can say the same.
#include "embed/model/hf/hf_tokenizer.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "embed/model/hf/json_fields.hpp"
#include "embed/model/hf/vocabulary_file.hpp"
#include "embed/model/hf/word_piece_keys.hpp"

namespace runed::embed::hf {
namespace {

constexpr uint32_t kLongestWord = 100;  // Characters; a longer one is unknown, in every engine.

Error refuse(std::string_view kind, std::string_view name) {
  return not_served(fmt::format("{}: the {} '{}' is not served", kTokenizer, kind, printable(name)),
                    "use a GGUF file of the model, if there is one");
}

Result<std::string> type_of(const Fields& component) {
  return component.get_text("type");
}

// A Sequence of components, of which each may be one again, as a list; null: none.
Status flatten(const Fields& component, std::string_view parts, std::vector<Fields>& flat) {
  TRY_ASSIGN(const std::string type, type_of(component));
  if (type != "Sequence") {
    flat.push_back(component);
    return {};
  }
  TRY_ASSIGN(const Json* each_of, component.get_array(parts));
  for (const Json& each : *each_of) {
    TRY_ASSIGN(const Fields part, Fields::of(component.file(), component.place_of(parts), each));
    TRY(flatten(part, parts, flat));
  }
  return {};
}

Result<std::vector<Fields>> components_of(const Fields& tokenizer, std::string_view key,
                                          std::string_view parts) {
  std::vector<Fields> flat;
  TRY_ASSIGN(const auto component, tokenizer.find_object(key));
  if (component) TRY(flatten(*component, parts, flat));
  return flat;
}

// Lower case may come before or after the rest: each is done character by character, and neither
// makes of one what the other would have made something else of.
Result<BertNormalizer> read_normalizer(const Fields& tokenizer) {
  BertNormalizer normalizer;
  bool has_bert = false;
  TRY_ASSIGN(const auto components, components_of(tokenizer, "normalizer", "normalizers"));
  for (const Fields& component : components) {
    TRY_ASSIGN(const std::string type, type_of(component));
    if (type == "Lowercase") {
      normalizer.lowercase = true;
      continue;
    }
    if (type != "BertNormalizer" || has_bert) return refuse("normalizer", type);
    has_bert = true;
    TRY_ASSIGN(const auto clean, component.find_flag("clean_text"));
    TRY_ASSIGN(const auto cjk, component.find_flag("handle_chinese_chars"));
    TRY_ASSIGN(const auto lowercase, component.find_flag("lowercase"));
    TRY_ASSIGN(const auto accents, component.find_flag("strip_accents"));
    normalizer.clean_text = clean.value_or(true);
    normalizer.split_cjk = cjk.value_or(true);
    normalizer.strip_accents = accents.value_or(lowercase.value_or(true));
    normalizer.lowercase = normalizer.lowercase || lowercase.value_or(true);
  }
  return normalizer;
}

Status check_pre_tokenizer(const Fields& tokenizer) {
  TRY_ASSIGN(const auto components, components_of(tokenizer, "pre_tokenizer", "pretokenizers"));
  if (components.empty()) return refuse("pre-tokenizer", "null");
  for (const Fields& component : components) {
    TRY_ASSIGN(const std::string type, type_of(component));
    if (type != "BertPreTokenizer" || components.size() > 1) return refuse("pre-tokenizer", type);
  }
  return {};
}

// What a place of a template holds: `Sequence` or `SpecialToken`, of segment 0.
Result<Fields> piece_at(const Fields& processor, const Json& piece, std::string_view kind) {
  const auto refuse_piece = [&] {
    return refuse("post-processor", "TemplateProcessing with " + to_line(piece));
  };
  TRY_ASSIGN(const Fields fields, Fields::of(processor.file(), "post_processor.single", piece));
  if (!fields.has(kind)) return refuse_piece();
  TRY_ASSIGN(Fields held, fields.get_object(kind));
  TRY_ASSIGN(const auto segment, held.find_number("type_id"));
  if (segment.value_or(0) != 0) return refuse_piece();
  return held;
}

// Tells whether a token of the frame has the id that the post-processor gives it.
bool has_id(const WordPiece& tokenizer, const std::string& token, const Json& id) {
  return id.is_number_unsigned() && id.get<uint64_t>() < tokenizer.tokens.size() &&
         tokenizer.tokens[id.get<uint64_t>()] == token;
}

// A special token of a template may stand for several tokens, or for one of another name.
Result<std::string> special_token_at(const Fields& processor, const Json& piece,
                                     const WordPiece& tokenizer) {
  TRY_ASSIGN(const Fields held, piece_at(processor, piece, "SpecialToken"));
  TRY_ASSIGN(const std::string name, held.get_text("id"));
  TRY_ASSIGN(const Fields all, processor.get_object("special_tokens"));
  TRY_ASSIGN(const Fields special, all.get_object(name));
  TRY_ASSIGN(const Json* tokens, special.get_array("tokens"));
  TRY_ASSIGN(const Json* ids, special.get_array("ids"));
  const bool is_itself = *tokens == Json::array({name}) && ids->size() == 1;
  if (is_itself && has_id(tokenizer, name, ids->front())) return name;
  return refuse("post-processor", "TemplateProcessing with " + to_line(special.json()));
}

Status read_template(const Fields& processor, WordPiece& tokenizer) {
  TRY_ASSIGN(const Json* pieces, processor.get_array("single"));
  if (pieces->size() != 3) {
    return refuse("post-processor", fmt::format("TemplateProcessing of {} places", pieces->size()));
  }
  TRY_ASSIGN(tokenizer.first, special_token_at(processor, (*pieces)[0], tokenizer));
  TRY(piece_at(processor, (*pieces)[1], "Sequence"));
  TRY_ASSIGN(tokenizer.last, special_token_at(processor, (*pieces)[2], tokenizer));
  return {};
}

// `["[SEP]", 102]`.
Result<std::string> token_of_pair(const Fields& processor, std::string_view key,
                                  const WordPiece& tokenizer) {
  TRY_ASSIGN(const Json* pair, processor.get_array(key));
  if (pair->size() == 2 && pair->front().is_string()) {
    const auto token = pair->front().get<std::string>();
    if (has_id(tokenizer, token, pair->back())) return token;
  }
  return damaged(fmt::format("{} is not a token and its id", processor.place_of(key)));
}

Status read_post_processor(const Fields& fields, WordPiece& tokenizer) {
  TRY_ASSIGN(const auto components, components_of(fields, "post_processor", "processors"));
  if (components.size() != 1) {
    return refuse("post-processor", components.empty() ? "null" : "Sequence");
  }
  const Fields& processor = components.front();
  TRY_ASSIGN(const std::string type, type_of(processor));
  if (type == "TemplateProcessing") return read_template(processor, tokenizer);
  if (type != "BertProcessing") return refuse("post-processor", type);
  TRY_ASSIGN(tokenizer.first, token_of_pair(processor, "cls", tokenizer));
  TRY_ASSIGN(tokenizer.last, token_of_pair(processor, "sep", tokenizer));
  return {};
}

// Files of old versions do not name the kind of a model that can be told by its members.
Result<std::string> type_of_model(const Fields& model) {
  if (!model.has("type") && model.has("continuing_subword_prefix")) return std::string("WordPiece");
  return type_of(model);
}

Status put_token(const Fields& fields, const std::string& token, const Json& id,
                 uint32_t vocabulary, std::vector<std::string>& tokens) {
  if (!id.is_number_unsigned() || id.get<uint64_t>() >= vocabulary) {
    return damaged(fmt::format("{}: the token '{}' has the id {}, and the model {} tokens",
                               fields.file(), printable(token), printable(to_line(id)),
                               vocabulary));
  }
  const auto at = static_cast<uint32_t>(id.get<uint64_t>());
  if (tokens.size() <= at) tokens.resize(at + 1);
  if (!tokens[at].empty() && tokens[at] != token) {
    return damaged(fmt::format("{}: the tokens '{}' and '{}' have both the id {}", fields.file(),
                               printable(tokens[at]), printable(token), at));
  }
  tokens[at] = token;
  return {};
}

Status read_model(const Fields& fields, uint32_t vocabulary, WordPiece& tokenizer) {
  TRY_ASSIGN(const Fields model, fields.get_object("model"));
  TRY_ASSIGN(const std::string type, type_of_model(model));
  if (type != "WordPiece") return refuse("model", type);
  TRY_ASSIGN(const auto prefix, model.find_text("continuing_subword_prefix"));
  if (prefix.value_or("##") != "##") return refuse("continuing_subword_prefix", *prefix);
  TRY_ASSIGN(const auto longest, model.find_number("max_input_chars_per_word"));
  if (longest.value_or(kLongestWord) != kLongestWord) {
    return refuse("max_input_chars_per_word", fmt::format("{}", *longest));
  }
  TRY_ASSIGN(const auto unknown, model.find_text("unk_token"));
  tokenizer.unknown = unknown.value_or("[UNK]");
  TRY_ASSIGN(const Fields tokens, model.get_object("vocab"));
  for (const auto& [token, id] : tokens.json().items()) {
    TRY(put_token(fields, token, id, vocabulary, tokenizer.tokens));
  }
  return {};
}

// Those that are found in a text as it comes, in whatever is around them. GGUF has no word for others.
Status read_added_token(const Fields& fields, const Json& json, uint32_t vocabulary,
                        WordPiece& tokenizer) {
  TRY_ASSIGN(const Fields token, Fields::of(fields.file(), "added_tokens", json));
  TRY_ASSIGN(const std::string content, token.get_text("content"));
  for (const std::string_view flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
    TRY_ASSIGN(const auto is_set, token.find_flag(flag));
    if (!is_set.value_or(false)) continue;
    return not_served(fmt::format("{}: the added token '{}' with '{}' is not served", fields.file(),
                                  printable(content), flag),
                      "use a GGUF file of the model, if there is one");
  }
  const Json* id = token.find("id");
  TRY(put_token(fields, content, id == nullptr ? Json() : *id, vocabulary, tokenizer.tokens));
  const auto at = id->get<uint64_t>();
  if (tokenizer.added.size() <= at) tokenizer.added.resize(at + 1);
  tokenizer.added[at] = content;
  return {};
}

Status read_added_tokens(const Fields& fields, uint32_t vocabulary, WordPiece& tokenizer) {
  if (!fields.has("added_tokens")) return {};
  TRY_ASSIGN(const Json* tokens, fields.get_array("added_tokens"));
  for (const Json& token : *tokens) TRY(read_added_token(fields, token, vocabulary, tokenizer));
  return {};
}

Result<WordPiece> read_tokenizer_json(const DirectoryFile& file, uint32_t vocabulary) {
  TRY_ASSIGN(const Json json, parse_file(file.name, file.bytes));
  TRY_ASSIGN(const Fields fields, Fields::of(file.name, {}, json));
  WordPiece tokenizer;
  tokenizer.padding = "[PAD]";
  tokenizer.mask = "[MASK]";
  // The model first: it tells most of what a directory has in place of BERT's.
  TRY(read_model(fields, vocabulary, tokenizer));
  TRY_ASSIGN(tokenizer.normalizer, read_normalizer(fields));
  TRY(check_pre_tokenizer(fields));
  TRY(read_added_tokens(fields, vocabulary, tokenizer));
  TRY(read_post_processor(fields, tokenizer));
  return tokenizer;
}

// Versions of transformers go by the one or by the other where they differ.
Status check_same(const DirectoryFile& file, const BertNormalizer& normalizer) {
  TRY_ASSIGN(const Json json, parse_file(file.name, file.bytes));
  TRY_ASSIGN(const Fields config, Fields::of(file.name, {}, json));
  for (const auto& [key, is_set] : {std::pair("do_lower_case", normalizer.lowercase),
                                    std::pair("strip_accents", normalizer.strip_accents),
                                    std::pair("tokenize_chinese_chars", normalizer.split_cjk)}) {
    TRY_ASSIGN(const auto said, config.find_flag(key));
    if (said.value_or(is_set) == is_set) continue;
    return not_served(fmt::format("{} is {}, and the normalizer of {} says otherwise",
                                  config.place_of(key), *said, kTokenizer),
                      "make both say what the model was trained with");
  }
  return {};
}

Result<WordPiece> read_tokenizer(const DirectoryFiles& files, uint32_t vocabulary) {
  if (const auto* file = files.find_of_transformer(kTokenizer)) {
    TRY_ASSIGN(WordPiece tokenizer, read_tokenizer_json(*file, vocabulary));
    const auto* config = files.find_of_transformer(kTokenizerConfig);
    if (config != nullptr) TRY(check_same(*config, tokenizer.normalizer));
    return tokenizer;
  }
  if (const auto* file = files.find_of_transformer(kVocabulary)) {
    return read_vocabulary_file(*file, files.find_of_transformer(kTokenizerConfig));
  }
  return make_error(ErrorCode::model_missing, "there is no tokenizer: neither {}{} nor {}{}",
                    files.transformer(), kTokenizer, files.transformer(), kVocabulary)
      .with_hint("get the directory once more, with all of its files");
}

}  // namespace

Status write_tokenizer(const DirectoryFiles& files, uint32_t vocabulary, bool lowercase_first,
                       GgufMetadata& metadata) {
  TRY_ASSIGN(WordPiece tokenizer, read_tokenizer(files, vocabulary));
  if (lowercase_first) tokenizer.normalizer.lowercase = true;
  const bool has_json = files.find_of_transformer(kTokenizer) != nullptr;
  return write_word_piece(tokenizer, std::string(has_json ? kTokenizer : kVocabulary), vocabulary,
                          metadata);
}

}  // namespace runed::embed::hf
