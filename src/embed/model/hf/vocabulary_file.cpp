// Source: transformers, models/bert/tokenization_bert.py: load_vocab and the defaults of BertTokenizer.
#include "embed/model/hf/vocabulary_file.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/text.hpp"
#include "embed/model/hf/json_fields.hpp"

namespace runed::embed::hf {
namespace {

Status read_tokens(const DirectoryFile& file, WordPiece& tokenizer) {
  const std::string_view text(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
  std::unordered_set<std::string_view> seen;
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (find_invalid_utf8(line)) {
      return damaged(
          fmt::format("{}: line {} is not UTF-8", file.name, tokenizer.tokens.size() + 1));
    }
    if (!line.empty() && !seen.insert(line).second) {
      return damaged(fmt::format("{}: the token '{}' is there twice", file.name, printable(line)));
    }
    tokenizer.tokens.emplace_back(line);
  }
  // What follows the last line break is no token.
  if (tokenizer.tokens.back().empty()) tokenizer.tokens.pop_back();
  return {};
}

// A token by its text, or as the text of an object that has flags too.
Result<std::string> token_of(const Fields& config, std::string_view key, std::string_view usual) {
  const Json* found = config.find(key);
  if (found == nullptr) return std::string(usual);
  if (!found->is_object()) return config.get_text(key);
  TRY_ASSIGN(const Fields token, config.get_object(key));
  return token.get_text("content");
}

Status read_config(const DirectoryFile& file, WordPiece& tokenizer) {
  TRY_ASSIGN(const Json json, parse_file(file.name, file.bytes));
  TRY_ASSIGN(const Fields config, Fields::of(file.name, {}, json));
  TRY_ASSIGN(const auto basic, config.find_flag("do_basic_tokenize"));
  if (!basic.value_or(true)) {
    return not_served(
        fmt::format("{} is false, which is not served", config.place_of("do_basic_tokenize")));
  }
  TRY_ASSIGN(const auto type, config.find_text("tokenizer_class"));
  if (type && *type != "BertTokenizer" && *type != "BertTokenizerFast") {
    return not_served(fmt::format("{} is '{}', which is not served without tokenizer.json",
                                  config.place_of("tokenizer_class"), printable(*type)));
  }
  BertNormalizer& normalizer = tokenizer.normalizer;
  TRY_ASSIGN(const auto lowercase, config.find_flag("do_lower_case"));
  TRY_ASSIGN(const auto accents, config.find_flag("strip_accents"));
  TRY_ASSIGN(const auto cjk, config.find_flag("tokenize_chinese_chars"));
  normalizer.lowercase = lowercase.value_or(true);
  normalizer.strip_accents = accents.value_or(normalizer.lowercase);
  normalizer.split_cjk = cjk.value_or(true);
  TRY_ASSIGN(tokenizer.unknown, token_of(config, "unk_token", tokenizer.unknown));
  TRY_ASSIGN(tokenizer.first, token_of(config, "cls_token", tokenizer.first));
  TRY_ASSIGN(tokenizer.last, token_of(config, "sep_token", tokenizer.last));
  TRY_ASSIGN(tokenizer.padding, token_of(config, "pad_token", tokenizer.padding));
  TRY_ASSIGN(tokenizer.mask, token_of(config, "mask_token", tokenizer.mask));
  return {};
}

}  // namespace

Result<WordPiece> read_vocabulary_file(const DirectoryFile& file, const DirectoryFile* config) {
  WordPiece tokenizer{
      .tokens = {},
      .added = {},
      .unknown = "[UNK]",
      .first = "[CLS]",
      .last = "[SEP]",
      .padding = "[PAD]",
      .mask = "[MASK]",
      .normalizer = {
          .clean_text = true, .split_cjk = true, .strip_accents = true, .lowercase = true}};
  TRY(read_tokens(file, tokenizer));
  if (config != nullptr) TRY(read_config(*config, tokenizer));
  tokenizer.added.resize(tokenizer.tokens.size());
  for (const std::string* special : {&tokenizer.unknown, &tokenizer.first, &tokenizer.last,
                                     &tokenizer.padding, &tokenizer.mask}) {
    const auto found = std::ranges::find(tokenizer.tokens, *special);
    if (found == tokenizer.tokens.end()) continue;
    tokenizer.added[found - tokenizer.tokens.begin()] = *special;
  }
  return tokenizer;
}

}  // namespace runed::embed::hf
