// Source: tokenizers, normalizers/bert.rs, pre_tokenizers/bert.rs, models/wordpiece.
#include "embed/model/hf/word_piece_json.hpp"

#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "embed/model/hf/post_processor.hpp"
#include "embed/model/hf/tokenizer_components.hpp"
#include "embed/model/hf/tokenizer_vocabulary.hpp"
#include "embed/model/hf/word_piece_keys.hpp"

namespace runed::embed::hf {
namespace {

constexpr uint32_t kLongestWord = 100;  // Characters; a longer one is unknown, in every engine.

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
    if (type != "BertNormalizer" || has_bert) return refuse_component("normalizer", type);
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
  if (components.empty()) return refuse_component("pre-tokenizer", "null");
  for (const Fields& component : components) {
    TRY_ASSIGN(const std::string type, type_of(component));
    if (type != "BertPreTokenizer" || components.size() > 1)
      return refuse_component("pre-tokenizer", type);
  }
  return {};
}

Status read_model(const Fields& json, TokenizerVocabulary& vocabulary, WordPiece& tokenizer) {
  TRY_ASSIGN(const Fields model, json.get_object("model"));
  TRY_ASSIGN(const auto prefix, model.find_text("continuing_subword_prefix"));
  if (prefix.value_or("##") != "##") return refuse_component("continuing_subword_prefix", *prefix);
  TRY_ASSIGN(const auto longest, model.find_number("max_input_chars_per_word"));
  if (longest.value_or(kLongestWord) != kLongestWord) {
    return refuse_component("max_input_chars_per_word", fmt::format("{}", *longest));
  }
  TRY_ASSIGN(const auto unknown, model.find_text("unk_token"));
  tokenizer.unknown = unknown.value_or("[UNK]");
  TRY_ASSIGN(const Fields tokens, model.get_object("vocab"));
  for (const auto& [token, id] : tokens.json().items()) {
    TRY(put_token(json.file(), token, id, vocabulary));
  }
  return {};
}

// Every engine puts one token on each side, whatever a file says of it.
Status take_frame(const TextFrame& frame, const TokenizerVocabulary& vocabulary,
                  WordPiece& tokenizer) {
  if (frame.before.size() != 1 || frame.after.size() != 1) {
    return refuse_component("post-processor",
                            fmt::format("with {} tokens before a text and {} behind it",
                                        frame.before.size(), frame.after.size()));
  }
  tokenizer.first = vocabulary.tokens[frame.before.front()];
  tokenizer.last = vocabulary.tokens[frame.after.front()];
  return {};
}

void take_added_tokens(const TokenizerVocabulary& vocabulary, WordPiece& tokenizer) {
  for (const AddedToken& token : vocabulary.added) {
    if (tokenizer.added.size() <= token.id) tokenizer.added.resize(token.id + 1);
    tokenizer.added[token.id] = token.content;
    if (!token.special) tokenizer.of_user.push_back(token.id);
  }
}

Result<WordPiece> read_word_piece(const TokenizerSource& source, TokenizerVocabulary& vocabulary) {
  const Fields& json = source.json;
  WordPiece tokenizer;
  tokenizer.padding = "[PAD]";
  tokenizer.mask = "[MASK]";
  TRY(read_model(json, vocabulary, tokenizer));
  TRY_ASSIGN(tokenizer.normalizer, read_normalizer(json));
  TRY(check_pre_tokenizer(json));
  TRY(read_added_tokens(json, vocabulary));
  if (source.has_frame) {
    TRY_ASSIGN(const TextFrame frame, read_post_processor(json, vocabulary));
    TRY(take_frame(frame, vocabulary, tokenizer));
  }
  take_added_tokens(vocabulary, tokenizer);
  tokenizer.tokens = vocabulary.tokens;
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

}  // namespace

Status write_word_piece_json(const TokenizerSource& source, GgufMetadata& metadata) {
  TokenizerVocabulary vocabulary{.size = source.vocabulary, .tokens = {}, .added = {}};
  TRY_ASSIGN(WordPiece tokenizer, read_word_piece(source, vocabulary));
  if (source.config != nullptr) TRY(check_same(*source.config, tokenizer.normalizer));
  if (source.lowercase_first) tokenizer.normalizer.lowercase = true;
  TRY(write_word_piece(tokenizer, std::string(kTokenizer), source.vocabulary, metadata));
  write_added_token_flags(vocabulary, metadata);
  return {};
}

}  // namespace runed::embed::hf
