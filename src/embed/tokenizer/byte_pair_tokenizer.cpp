#include "embed/tokenizer/byte_pair_tokenizer.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "embed/tokenizer/added_token_flags.hpp"
#include "embed/tokenizer/nfc.hpp"

namespace runed::embed {
namespace {

// How many bytes one byte of form C may have been (nfc_test.cpp): three jamo are a syllable.
constexpr size_t kMostShrinking = 3;

// Source: llama.cpp, LLAMA_TOKEN_TYPE_USER_DEFINED.
constexpr int32_t kUserDefined = 4;

// What a file does not say of its added tokens, and the name of its rules does.
AddedTokenFlags usual_flags(const BytePairRow& row, std::span<const std::string_view> tokens,
                            std::span<const int32_t> types) {
  AddedTokenFlags flags;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!row.lstrip.empty() && tokens[i] == row.lstrip) flags.lstrip.push_back(id);
    if (row.finds_normalized && types[i] == kUserDefined) flags.normalized.push_back(id);
  }
  return flags;
}

struct Vocabulary {
  std::vector<std::string_view> tokens;
  std::vector<int32_t> types;
  AddedTokenFlags flags;
};

Result<Vocabulary> read_vocabulary(const Gguf& file, const FileBytePairRules& rules) {
  Vocabulary vocabulary;
  TRY_ASSIGN(vocabulary.tokens, file.string_array("tokenizer.ggml.tokens"));
  TRY_ASSIGN(vocabulary.types, file.int_array("tokenizer.ggml.token_type"));
  const size_t count = vocabulary.tokens.size();
  if (vocabulary.types.size() != count) {
    return make_error(ErrorCode::model_corrupt,
                      "key 'tokenizer.ggml.token_type' has {} elements where {} were expected",
                      vocabulary.types.size(), count);
  }
  if (rules.usual != nullptr) {
    vocabulary.flags = usual_flags(*rules.usual, vocabulary.tokens, vocabulary.types);
  } else {
    TRY_ASSIGN(vocabulary.flags, read_added_token_flags(file, count));
  }
  return vocabulary;
}

Result<BytePairEncoding> read_encoding(const Gguf& file, const BytePairRules& rules,
                                       const Vocabulary& vocabulary, const RunUnits& run_units) {
  TRY_ASSIGN(const std::vector<std::string_view> merges,
             file.string_array("tokenizer.ggml.merges"));
  std::vector<std::string_view> tokens = vocabulary.tokens;
  for (const TokenId id : vocabulary.flags.no_pieces) tokens[id] = {};
  using enum BytePairEncoding::WholeWords;
  return BytePairEncoding::create(tokens, merges, run_units,
                                  rules.ignore_merges ? looked_up : merged);
}

}  // namespace

BytePairTokenizer::BytePairTokenizer(SpecialTokens special, const BytePairRules& rules,
                                     BytePairEncoding encoding, Frame frame, size_t longest_token)
    : FramedTokenizer(std::move(special), std::move(frame)),
      rules_(rules),
      pre_tokenizer_(rules.split),
      encoding_(std::move(encoding)),
      most_bytes_per_token_((rules.nfc ? kMostShrinking : 1) * longest_token) {}

Result<std::unique_ptr<BytePairTokenizer>> BytePairTokenizer::create(const Gguf& file, Frame frame,
                                                                     const RunUnits& run_units) {
  TRY_ASSIGN(const FileBytePairRules rules, read_byte_pair_rules(file));
  TRY_ASSIGN(const Vocabulary vocabulary, read_vocabulary(file, rules));
  const auto normalize = [&](std::string_view text) {
    std::string storage;
    return std::string(rules.rules.nfc ? to_nfc(text, storage) : text);
  };
  TRY_ASSIGN(SpecialTokens special, SpecialTokens::create(vocabulary.tokens, vocabulary.types,
                                                          vocabulary.flags, normalize));
  TRY_ASSIGN(BytePairEncoding encoding, read_encoding(file, rules.rules, vocabulary, run_units));
  size_t longest = 1;
  for (const std::string_view token : vocabulary.tokens) longest = std::max(longest, token.size());
  return std::unique_ptr<BytePairTokenizer>(new BytePairTokenizer(
      std::move(special), rules.rules, std::move(encoding), std::move(frame), longest));
}

std::string_view BytePairTokenizer::normalize(std::string_view text, std::string& storage) const {
  return rules_.nfc ? to_nfc(text, storage) : text;
}

Status BytePairTokenizer::append_ordinary(std::string_view text, std::vector<TokenId>& ids) const {
  std::string storage;
  return append_normalized(normalize(text, storage), ids);
}

Status BytePairTokenizer::append_normalized(std::string_view text,
                                            std::vector<TokenId>& ids) const {
  std::string with_space;
  if (rules_.add_prefix_space && !text.empty() && !text.starts_with(' ')) {
    with_space = " ";
    with_space += text;
    text = with_space;
  }
  encoding_.encode(pre_tokenizer_.split(text), ids);
  return {};
}

}  // namespace runed::embed
