// Source: tokenizers, models/bpe, pre_tokenizers/{byte_level,split}.rs, normalizers/{unicode,replace}.rs;
// llama.cpp, conversion/base.py, _set_vocab_gpt2 and _set_vocab_sentencepiece, for the keys.
#include "embed/model/hf/byte_pair_json.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "embed/model/byte_pair_rules.hpp"
#include "embed/model/hf/post_processor.hpp"
#include "embed/model/hf/tokenizer_components.hpp"
#include "embed/model/hf/tokenizer_vocabulary.hpp"

namespace runed::embed::hf {
namespace {

// Source: gguf-py, TokenType.
constexpr int32_t kNormal = 1;
constexpr int32_t kControl = 3;
constexpr int32_t kUserDefined = 4;
constexpr int32_t kUnused = 5;

constexpr std::string_view kSpaceMark = "\u2581";

// As tokenizer.json spells them: one that is spelled otherwise splits otherwise, for all that is known.
struct Expression {
  std::string_view text;
  SplitRule rule;
};
constexpr std::array kExpressions{
    Expression{R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
               SplitRule::gpt2},
    Expression{R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
               R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
               SplitRule::llama3},
    Expression{R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
               R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
               SplitRule::qwen2},
};

struct BytePair {
  TokenizerVocabulary vocabulary;
  std::vector<std::string> merges;  // In the order of their rank, each `left right`.
  bool byte_fallback = false;       // Merges characters.
  bool ignore_merges = false;
  std::string unknown;  // Empty: there is none.
};

Result<std::string> read_merge(const Fields& model, const Json& entry, size_t rank) {
  std::string merge;
  if (entry.is_string()) {
    merge = entry.get<std::string>();
  } else if (entry.is_array() && entry.size() == 2 && entry.front().is_string() &&
             entry.back().is_string()) {
    merge = entry.front().get<std::string>() + " " + entry.back().get<std::string>();
  }
  if (std::ranges::count(merge, ' ') == 1) return merge;
  return damaged(fmt::format("{}: element {} is not two tokens without a space",
                             model.place_of("merges"), rank));
}

Status read_model(const Fields& json, BytePair& tokenizer) {
  TRY_ASSIGN(const Fields model, json.get_object("model"));
  if (model.has("dropout")) return refuse_component("model", "BPE with dropout");
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    TRY_ASSIGN(const auto text, model.find_text(affix));
    if (!text.value_or("").empty()) return refuse_component(affix, *text);
  }
  TRY_ASSIGN(const auto byte_fallback, model.find_flag("byte_fallback"));
  TRY_ASSIGN(const auto ignore_merges, model.find_flag("ignore_merges"));
  TRY_ASSIGN(const auto unknown, model.find_text("unk_token"));
  tokenizer.byte_fallback = byte_fallback.value_or(false);
  tokenizer.ignore_merges = ignore_merges.value_or(false);
  tokenizer.unknown = unknown.value_or("");
  TRY_ASSIGN(const Fields tokens, model.get_object("vocab"));
  for (const auto& [token, id] : tokens.json().items()) {
    TRY(put_token(json.file(), token, id, tokenizer.vocabulary));
  }
  TRY_ASSIGN(const Json* merges, model.get_array("merges"));
  tokenizer.merges.reserve(merges->size());
  for (const Json& entry : *merges) {
    TRY_ASSIGN(std::string merge, read_merge(model, entry, tokenizer.merges.size()));
    tokenizer.merges.push_back(std::move(merge));
  }
  return {};
}

Result<bool> has_nfc(const Fields& json) {
  TRY_ASSIGN(const auto components, components_of(json, "normalizer", "normalizers"));
  for (const Fields& component : components) {
    TRY_ASSIGN(const std::string type, type_of(component));
    if (type != "NFC") return refuse_component("normalizer", type);
  }
  return !components.empty();
}

// A Split that makes a word of each match: the expressions leave nothing in between.
Result<SplitRule> read_split(const Fields& split) {
  TRY_ASSIGN(const auto invert, split.find_flag("invert"));
  TRY_ASSIGN(const std::string behavior, split.get_text("behavior"));
  if (behavior != (invert.value_or(false) ? "Removed" : "Isolated")) {
    return refuse_component("pre-tokenizer", "Split with " + behavior);
  }
  TRY_ASSIGN(const Fields pattern, split.get_object("pattern"));
  TRY_ASSIGN(const auto text, pattern.find_text("Regex"));
  if (!text) return refuse_component("pre-tokenizer", "Split without a Regex");
  const auto* const found = std::ranges::find(kExpressions, *text, &Expression::text);
  if (found == kExpressions.end())
    return refuse_component("expression of the pre-tokenizer", *text);
  return found->rule;
}

// Either ByteLevel, which has GPT-2's expression, or a Split before it, which has another.
Status read_byte_level(const Fields& json, BytePairRules& rules) {
  TRY_ASSIGN(const auto components, components_of(json, "pre_tokenizer", "pretokenizers"));
  if (components.empty()) return refuse_component("pre-tokenizer", "null");
  if (components.size() > 2) return refuse_component("pre-tokenizer", "Sequence of more than two");
  const Fields& last = components.back();
  TRY_ASSIGN(const std::string type, type_of(last));
  if (type != "ByteLevel") return refuse_component("pre-tokenizer", type);
  TRY_ASSIGN(const auto use_regex, last.find_flag("use_regex"));
  TRY_ASSIGN(const auto add_space, last.find_flag("add_prefix_space"));
  rules.add_prefix_space = add_space.value_or(true);
  const bool has_split = components.size() == 2;
  if (has_split && use_regex.value_or(true)) {
    return refuse_component("pre-tokenizer", "ByteLevel with use_regex behind another");
  }
  if (!has_split && !use_regex.value_or(true)) {
    return refuse_component("pre-tokenizer", "ByteLevel without use_regex");
  }
  // Each word would get a space.
  if (has_split && rules.add_prefix_space) {
    return refuse_component("pre-tokenizer", "ByteLevel with add_prefix_space behind another");
  }
  if (!has_split) return {};
  TRY_ASSIGN(const std::string first, type_of(components.front()));
  if (first != "Split") return refuse_component("pre-tokenizer", first);
  TRY_ASSIGN(rules.split, read_split(components.front()));
  return {};
}

// Spaces as U+2581.
Status check_space_marks(const Fields& json) {
  TRY_ASSIGN(const auto components, components_of(json, "normalizer", "normalizers"));
  if (components.size() != 1) {
    return refuse_component("normalizer", components.empty() ? "null" : "Sequence");
  }
  const Fields& component = components.front();
  TRY_ASSIGN(const std::string type, type_of(component));
  if (type != "Replace") return refuse_component("normalizer", type);
  TRY_ASSIGN(const std::string content, component.get_text("content"));
  TRY_ASSIGN(const Fields pattern, component.get_object("pattern"));
  TRY_ASSIGN(const auto text, pattern.find_text("String"));
  if (content != kSpaceMark || text != " ") {
    return refuse_component("normalizer", "Replace with " + content);
  }
  return {};
}

// Splitting at spaces splits nothing, since the normaliser leaves none.
Status check_no_words(const Fields& json) {
  TRY_ASSIGN(const auto components, components_of(json, "pre_tokenizer", "pretokenizers"));
  for (const Fields& component : components) {
    TRY_ASSIGN(const std::string type, type_of(component));
    if (type != "Split") return refuse_component("pre-tokenizer", type);
    TRY_ASSIGN(const Fields pattern, component.get_object("pattern"));
    TRY_ASSIGN(const auto text, pattern.find_text("String"));
    TRY_ASSIGN(const auto invert, component.find_flag("invert"));
    if (text != " " || invert.value_or(false)) return refuse_component("pre-tokenizer", type);
  }
  return {};
}

std::vector<int32_t> types_of(const TokenizerVocabulary& vocabulary) {
  std::vector<int32_t> types(vocabulary.size, kUnused);
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (!vocabulary.tokens[id].empty()) types[id] = kNormal;
  }
  for (const AddedToken& token : vocabulary.added) {
    types[token.id] = token.special ? kControl : kUserDefined;
  }
  return types;
}

void write_tokens(const TokenizerVocabulary& vocabulary, GgufMetadata& metadata) {
  std::vector<std::string> tokens = vocabulary.tokens;
  tokens.resize(vocabulary.size);
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty()) tokens[id] = fmt::format("[PAD{}]", id);
  }
  metadata.add("tokenizer.ggml.tokens", tokens);
  const std::vector<int32_t> types = types_of(vocabulary);
  metadata.add("tokenizer.ggml.token_type", std::span<const int32_t>(types));
}

// What llama.cpp goes by: the earlier a token was merged, the higher. We go by the merges.
void write_scores(const BytePair& tokenizer, GgufMetadata& metadata) {
  const std::vector<std::string>& tokens = tokenizer.vocabulary.tokens;
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t id = 0; id < tokens.size(); ++id) ids.emplace(tokens[id], id);
  std::vector<float> scores(tokenizer.vocabulary.size,
                            -static_cast<float>(tokenizer.merges.size()));
  for (size_t rank = tokenizer.merges.size(); rank-- > 0;) {
    std::string merged = tokenizer.merges[rank];
    std::erase(merged, ' ');
    const auto found = ids.find(merged);
    if (found != ids.end()) scores[found->second] = -static_cast<float>(rank);
  }
  metadata.add("tokenizer.ggml.scores", std::span<const float>(scores));
}

Status write_byte_level(const Fields& json, const BytePair& tokenizer, GgufMetadata& metadata) {
  BytePairRules rules{.ignore_merges = tokenizer.ignore_merges};
  TRY_ASSIGN(rules.nfc, has_nfc(json));
  TRY(read_byte_level(json, rules));
  metadata.add("tokenizer.ggml.model", "gpt2");
  write_byte_pair_rules(rules, metadata);
  return {};
}

Status write_characters(const Fields& json, const BytePair& tokenizer, GgufMetadata& metadata) {
  if (tokenizer.ignore_merges) return refuse_component("model", "BPE with ignore_merges");
  TRY(check_space_marks(json));
  TRY(check_no_words(json));
  metadata.add("tokenizer.ggml.model", "llama");
  metadata.add("tokenizer.ggml.pre", "default");
  metadata.add("tokenizer.ggml.add_space_prefix", false);
  write_scores(tokenizer, metadata);
  return {};
}

Status write_unknown(const BytePair& tokenizer, GgufMetadata& metadata) {
  if (tokenizer.unknown.empty()) return {};
  const std::vector<std::string>& tokens = tokenizer.vocabulary.tokens;
  const auto found = std::ranges::find(tokens, tokenizer.unknown);
  if (found == tokens.end()) {
    return damaged(fmt::format("{}: the unknown token '{}' is no token of it", kTokenizer,
                               printable(tokenizer.unknown)));
  }
  metadata.add("tokenizer.ggml.unknown_token_id", static_cast<uint32_t>(found - tokens.begin()));
  return {};
}

}  // namespace

Status write_byte_pair_json(const TokenizerSource& source, GgufMetadata& metadata) {
  const Fields& json = source.json;
  if (source.lowercase_first) {
    return not_served(
        "sentence_bert_config.json has each text put into lower case, which is not served "
        "with a tokenizer of the model 'BPE'");
  }
  BytePair tokenizer;
  tokenizer.vocabulary.size = source.vocabulary;
  TRY(read_model(json, tokenizer));
  TRY(read_added_tokens(json, tokenizer.vocabulary));
  TRY(tokenizer.byte_fallback ? write_characters(json, tokenizer, metadata)
                              : write_byte_level(json, tokenizer, metadata));
  write_tokens(tokenizer.vocabulary, metadata);
  metadata.add("tokenizer.ggml.merges", tokenizer.merges);
  TRY(write_unknown(tokenizer, metadata));
  TextFrame frame;
  if (source.has_frame) {
    TRY_ASSIGN(frame, read_post_processor(json, tokenizer.vocabulary));
  }
  TRY(write_frame(frame, metadata));
  write_added_token_flags(tokenizer.vocabulary, metadata);
  return {};
}

}  // namespace runed::embed::hf
