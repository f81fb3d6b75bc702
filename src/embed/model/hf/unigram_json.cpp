// Source: tokenizers, normalizers/{precompiled,strip,replace}.rs, pre_tokenizers/{whitespace,
// metaspace}.rs, models/unigram; llama.cpp, conversion/bert.py, _xlmroberta_set_vocab, for the keys.
#include "embed/model/hf/unigram_json.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "embed/model/hf/post_processor.hpp"
#include "embed/model/hf/tokenizer_components.hpp"
#include "embed/model/hf/tokenizer_vocabulary.hpp"

namespace runed::embed::hf {
namespace {

constexpr std::string_view kMark = "\u2581";
constexpr float kScoreOfNothing = -10000;  // As llama.cpp's converter; nobody reads it.

// Source: gguf-py, TokenType.
constexpr int32_t kNormal = 1;
constexpr int32_t kUnknown = 2;
constexpr int32_t kControl = 3;
constexpr int32_t kUserDefined = 4;
constexpr int32_t kUnused = 5;

struct Unigram {
  TokenizerVocabulary vocabulary;
  std::vector<float> scores;  // Of the model's tokens, which come first.
  uint32_t unknown = 0;
  std::string charsmap;  // Empty: there is none.
  bool strip_left = false;
  bool strip_right = false;
  bool merge_spaces = false;
  bool split_words = false;
  bool mark_begin = true;
  bool split_marks = true;
};

Status read_piece(const Fields& model, const Json& entry, Unigram& tokenizer) {
  if (!entry.is_array() || entry.size() != 2 || !entry.front().is_string() ||
      !entry.back().is_number()) {
    return damaged(fmt::format("{}: element {} is not a piece and its score",
                               model.place_of("vocab"), tokenizer.scores.size()));
  }
  const auto id = static_cast<uint32_t>(tokenizer.scores.size());
  TRY(put_token(model.file(), entry.front().get<std::string>(), id, tokenizer.vocabulary));
  tokenizer.scores.push_back(entry.back().get<float>());
  return {};
}

Status read_model(const Fields& json, Unigram& tokenizer) {
  TRY_ASSIGN(const Fields model, json.get_object("model"));
  TRY_ASSIGN(const auto fallback, model.find_flag("byte_fallback"));
  if (fallback.value_or(false)) return refuse_component("model", "Unigram with byte_fallback");
  TRY_ASSIGN(const Json* pieces, model.get_array("vocab"));
  tokenizer.scores.reserve(pieces->size());
  for (const Json& piece : *pieces) TRY(read_piece(model, piece, tokenizer));
  const Json* unknown = model.find("unk_id");
  if (unknown == nullptr) return refuse_component("model", "Unigram without unk_id");
  if (!unknown->is_number_unsigned() || unknown->get<uint64_t>() >= pieces->size()) {
    return damaged(fmt::format("{} is {}, and there are {} pieces", model.place_of("unk_id"),
                               printable(to_line(*unknown)), pieces->size()));
  }
  tokenizer.unknown = unknown->get<uint32_t>();
  return {};
}

Status read_charsmap(const Fields& component, Unigram& tokenizer) {
  TRY_ASSIGN(const std::string encoded, component.get_text("precompiled_charsmap"));
  auto decoded = decode_base64(encoded);
  if (!decoded || decoded->empty()) {
    return damaged(fmt::format("{} is not base64", component.place_of("precompiled_charsmap")));
  }
  tokenizer.charsmap = *std::move(decoded);
  return {};
}

// Several spaces become one, or one mark, which Metaspace makes of a space all the same.
Result<bool> is_of_spaces(const Fields& replace) {
  TRY_ASSIGN(const Fields pattern, replace.get_object("pattern"));
  TRY_ASSIGN(const auto expression, pattern.find_text("Regex"));
  TRY_ASSIGN(const std::string content, replace.get_text("content"));
  return expression == " {2,}" && (content == " " || content == kMark);
}

// In the one order that these are seen in, since of others the outcome is another: what the charsmap
// makes a space is stripped and merged, and what is merged is no longer stripped.
Status read_normalizer(const Fields& json, Unigram& tokenizer) {
  TRY_ASSIGN(const auto components, components_of(json, "normalizer", "normalizers"));
  for (const Fields& component : components) {
    TRY_ASSIGN(const std::string type, type_of(component));
    const bool is_stripped = tokenizer.strip_left || tokenizer.strip_right;
    if (type == "Precompiled" && &component == &components.front()) {
      TRY(read_charsmap(component, tokenizer));
    } else if (type == "Strip" && !is_stripped && !tokenizer.merge_spaces) {
      TRY_ASSIGN(const auto left, component.find_flag("strip_left"));
      TRY_ASSIGN(const auto right, component.find_flag("strip_right"));
      tokenizer.strip_left = left.value_or(true);
      tokenizer.strip_right = right.value_or(true);
    } else if (type == "Replace" && !tokenizer.merge_spaces) {
      TRY_ASSIGN(tokenizer.merge_spaces, is_of_spaces(component));
      if (!tokenizer.merge_spaces) {
        return refuse_component("normalizer", "Replace with " + to_line(component.json()));
      }
    } else {
      return refuse_component("normalizer", type);
    }
  }
  return {};
}

Status read_metaspace(const Fields& component, Unigram& tokenizer) {
  const auto refuse = [&] {
    return refuse_component("pre-tokenizer", "Metaspace with " + to_line(component.json()));
  };
  TRY_ASSIGN(const auto mark, component.find_text("replacement"));
  if (mark.value_or(std::string(kMark)) != kMark) return refuse();
  // Before there were schemes, a flag said which of the two it is.
  TRY_ASSIGN(const auto prefix, component.find_flag("add_prefix_space"));
  TRY_ASSIGN(const auto scheme, component.find_text("prepend_scheme"));
  if (scheme && *scheme != "always" && *scheme != "never") return refuse();
  tokenizer.mark_begin = scheme ? *scheme == "always" : prefix.value_or(true);
  TRY_ASSIGN(const auto split, component.find_flag("split"));
  tokenizer.split_marks = split.value_or(true);
  return {};
}

Status read_pre_tokenizer(const Fields& json, Unigram& tokenizer) {
  TRY_ASSIGN(const auto components, components_of(json, "pre_tokenizer", "pretokenizers"));
  bool has_metaspace = false;
  for (const Fields& component : components) {
    TRY_ASSIGN(const std::string type, type_of(component));
    if (type == "WhitespaceSplit" && !has_metaspace) {
      tokenizer.split_words = true;
    } else if (type == "Metaspace" && !has_metaspace) {
      has_metaspace = true;
      TRY(read_metaspace(component, tokenizer));
    } else {
      return refuse_component("pre-tokenizer", type);
    }
  }
  if (!has_metaspace) return refuse_component("pre-tokenizer", "without Metaspace");
  // A mark in place of spaces would join words.
  if (tokenizer.split_words && tokenizer.merge_spaces) {
    return refuse_component("pre-tokenizer", "WhitespaceSplit behind Replace");
  }
  return {};
}

Result<Unigram> read_unigram(const TokenizerSource& source) {
  if (source.lowercase_first) {
    return not_served(
        "sentence_bert_config.json: key 'do_lower_case' is true, which is not served with the "
        "model "
        "'Unigram' of tokenizer.json");
  }
  Unigram tokenizer;
  tokenizer.vocabulary.size = source.vocabulary;
  TRY(read_model(source.json, tokenizer));
  TRY(read_normalizer(source.json, tokenizer));
  TRY(read_pre_tokenizer(source.json, tokenizer));
  TRY(read_added_tokens(source.json, tokenizer.vocabulary));
  return tokenizer;
}

std::vector<int32_t> types_of(const Unigram& tokenizer) {
  const std::vector<std::string>& tokens = tokenizer.vocabulary.tokens;
  std::vector<int32_t> types(tokenizer.vocabulary.size, kUnused);
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id].empty()) types[id] = kNormal;
  }
  for (const AddedToken& token : tokenizer.vocabulary.added) {
    types[token.id] = token.id == tokenizer.unknown ? kUnknown
                      : token.special               ? kControl
                                                    : kUserDefined;
  }
  return types;
}

void write_pieces(const Unigram& tokenizer, GgufMetadata& metadata) {
  std::vector<std::string> tokens = tokenizer.vocabulary.tokens;
  const size_t known = tokens.size();
  tokens.resize(tokenizer.vocabulary.size);
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (id >= known || tokens[id].empty()) tokens[id] = fmt::format("[PAD{}]", id);
  }
  std::vector<float> scores = tokenizer.scores;
  scores.resize(tokens.size(), kScoreOfNothing);
  metadata.add("tokenizer.ggml.tokens", tokens);
  metadata.add("tokenizer.ggml.scores", std::span<const float>(scores));
  const std::vector<int32_t> types = types_of(tokenizer);
  metadata.add("tokenizer.ggml.token_type", std::span<const int32_t>(types));
}

void write_named_token(const Unigram& tokenizer, std::string_view token, std::string_view key,
                       GgufMetadata& metadata) {
  const auto& tokens = tokenizer.vocabulary.tokens;
  const auto found = std::ranges::find(tokens, token);
  if (found != tokens.end()) metadata.add(key, static_cast<uint32_t>(found - tokens.begin()));
}

}  // namespace

Status write_unigram_json(const TokenizerSource& source, GgufMetadata& metadata) {
  TRY_ASSIGN(const Unigram tokenizer, read_unigram(source));
  metadata.add("tokenizer.ggml.model", "t5");
  metadata.add("tokenizer.ggml.pre", "default");
  write_pieces(tokenizer, metadata);
  TextFrame frame;
  if (source.has_frame) {
    TRY_ASSIGN(frame, read_post_processor(source.json, tokenizer.vocabulary));
  }
  TRY(write_frame(frame, metadata));
  metadata.add("tokenizer.ggml.unknown_token_id", tokenizer.unknown);
  write_named_token(tokenizer, "<pad>", "tokenizer.ggml.padding_token_id", metadata);
  write_named_token(tokenizer, "<mask>", "tokenizer.ggml.mask_token_id", metadata);
  metadata.add("tokenizer.ggml.add_space_prefix", tokenizer.mark_begin);
  metadata.add("tokenizer.ggml.remove_extra_whitespaces",
               tokenizer.split_words || tokenizer.merge_spaces);
  if (tokenizer.charsmap.empty()) {
    metadata.add("runed.tokenizer.has_charsmap", false);
  } else {
    metadata.add("tokenizer.ggml.precompiled_charsmap",
                 std::as_bytes(std::span(tokenizer.charsmap)));
  }
  if (tokenizer.strip_left) metadata.add("runed.tokenizer.strip_left", true);
  if (tokenizer.strip_right) metadata.add("runed.tokenizer.strip_right", true);
  if (tokenizer.merge_spaces) metadata.add("runed.tokenizer.merge_spaces", true);
  if (!tokenizer.split_words) metadata.add("runed.tokenizer.split_words", false);
  if (!tokenizer.split_marks) metadata.add("runed.tokenizer.split_marks", false);
  write_added_token_flags(tokenizer.vocabulary, metadata);
  return {};
}

}  // namespace runed::embed::hf
