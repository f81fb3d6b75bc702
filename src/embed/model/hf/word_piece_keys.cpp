#include "embed/model/hf/word_piece_keys.hpp"

#include <algorithm>
#include <span>
#include <unordered_map>

#include "base/text.hpp"
#include "embed/model/hf/json_fields.hpp"

namespace runed::embed::hf {
namespace {

// Source: gguf-py, TokenType.
constexpr int32_t kNormal = 1;
constexpr int32_t kControl = 3;
constexpr int32_t kUserDefined = 4;
constexpr int32_t kUnused = 5;

constexpr std::string_view kContinuing = "##";
constexpr std::string_view kBeginOfWord = "\u2581";  // That of SentencePiece.

// Source: llama.cpp, conversion/bert.py, BertModel.set_vocab.
std::string as_gguf_spells(const std::string& token, int32_t type) {
  if (type == kControl) return token;
  if (type != kUserDefined && token.starts_with(kContinuing)) {
    return token.substr(kContinuing.size());
  }
  return std::string(kBeginOfWord) + token;
}

class Vocabulary {
 public:
  Vocabulary(const WordPiece& tokenizer, const std::string& file)
      : tokenizer_(tokenizer), file_(file) {}

  Status build(uint32_t size) {
    if (tokenizer_.tokens.size() > size) {
      return damaged(fmt::format("{}: it has {} tokens, and the model {}", file_,
                                 tokenizer_.tokens.size(), size));
    }
    for (uint32_t id = 0; id < size; ++id) add(id);
    return {};
  }

  // `role` is what the token is for.
  Result<uint32_t> id_of(const std::string& token, std::string_view role) const {
    const auto found = ids_.find(token);
    if (found != ids_.end()) return found->second;
    return damaged(fmt::format("{}: the {} '{}' is no token of it", file_, role, printable(token)));
  }

  std::span<const std::string> spellings() const { return spellings_; }
  std::span<const int32_t> types() const { return types_; }

 private:
  void add(uint32_t id) {
    const std::string& token =
        id < tokenizer_.tokens.size() ? tokenizer_.tokens[id] : std::string();
    const bool is_added = id < tokenizer_.added.size() && !tokenizer_.added[id].empty();
    const int32_t type = token.empty() ? kUnused : is_added ? type_of_added(id) : kNormal;
    const std::string name = token.empty() ? fmt::format("[PAD{}]", id) : token;
    spellings_.push_back(as_gguf_spells(name, type));
    types_.push_back(type);
    if (!token.empty()) ids_.emplace(token, id);
  }

  int32_t type_of_added(uint32_t id) const {
    const bool is_of_user = std::ranges::find(tokenizer_.of_user, id) != tokenizer_.of_user.end();
    return is_of_user ? kUserDefined : kControl;
  }

  const WordPiece& tokenizer_;
  const std::string& file_;
  std::vector<std::string> spellings_;
  std::vector<int32_t> types_;
  std::unordered_map<std::string, uint32_t> ids_;
};

}  // namespace

Status write_word_piece(const WordPiece& tokenizer, const std::string& file, uint32_t vocabulary,
                        GgufMetadata& metadata) {
  Vocabulary tokens(tokenizer, file);
  TRY(tokens.build(vocabulary));
  const bool has_frame = !tokenizer.first.empty();
  uint32_t first = 0;
  uint32_t last = 0;
  if (has_frame) {
    TRY_ASSIGN(first, tokens.id_of(tokenizer.first, "first token of a frame"));
    TRY_ASSIGN(last, tokens.id_of(tokenizer.last, "last token of a frame"));
  }
  TRY_ASSIGN(const uint32_t unknown, tokens.id_of(tokenizer.unknown, "unknown token"));
  metadata.add("tokenizer.ggml.model", "bert");
  metadata.add("tokenizer.ggml.pre", "jina-v2-en");  // As llama.cpp's converter; nobody reads it.
  metadata.add("tokenizer.ggml.tokens", tokens.spellings());
  metadata.add("tokenizer.ggml.token_type", tokens.types());
  if (has_frame) {
    metadata.add("tokenizer.ggml.bos_token_id", first);
    metadata.add("tokenizer.ggml.eos_token_id", last);
  }
  metadata.add("tokenizer.ggml.unknown_token_id", unknown);
  if (has_frame) metadata.add("tokenizer.ggml.seperator_token_id", last);
  if (const auto padding = tokens.id_of(tokenizer.padding, "padding")) {
    metadata.add("tokenizer.ggml.padding_token_id", *padding);
  }
  if (const auto mask = tokens.id_of(tokenizer.mask, "mask")) {
    metadata.add("tokenizer.ggml.mask_token_id", *mask);
  }
  metadata.add("tokenizer.ggml.add_bos_token", has_frame);
  metadata.add("tokenizer.ggml.add_eos_token", has_frame);
  metadata.add("tokenizer.ggml.add_sep_token", false);
  const BertNormalizer& normalizer = tokenizer.normalizer;
  metadata.add("tokenizer.ggml.normalizer.lowercase", normalizer.lowercase);
  metadata.add("tokenizer.ggml.normalizer.strip_accents", normalizer.strip_accents);
  if (!normalizer.clean_text) metadata.add("runed.tokenizer.clean_text", false);
  if (!normalizer.split_cjk) metadata.add("runed.tokenizer.split_cjk", false);
  return {};
}

}  // namespace runed::embed::hf
