#include "embed/tokenizer/byte_pair_tokenizer.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "embed/tokenizer/nfc.hpp"
#include "embed/tokenizer/utf8_check.hpp"

namespace runed::embed {
namespace {

// Places in a word are numbered with 32 bits, and form C may have three times the bytes. Far above
// any text that a model can take.
constexpr size_t kMostBytes = size_t{1} << 29;

// How many bytes one byte of form C may have been (nfc_test.cpp): three jamo are a syllable.
constexpr size_t kMostShrinking = 3;

}  // namespace

BytePairTokenizer::BytePairTokenizer(SpecialTokens special, PreTokenizer pre_tokenizer,
                                     BytePairEncoding encoding, Frame frame,
                                     size_t most_bytes_per_token)
    : special_(std::move(special)),
      pre_tokenizer_(std::move(pre_tokenizer)),
      encoding_(std::move(encoding)),
      frame_(std::move(frame)),
      most_bytes_per_token_(most_bytes_per_token) {}

Result<std::unique_ptr<BytePairTokenizer>> BytePairTokenizer::create(const Gguf& file, Frame frame,
                                                                     const RunUnits& run_units) {
  TRY_ASSIGN(const std::vector<std::string_view> tokens,
             file.string_array("tokenizer.ggml.tokens"));
  TRY_ASSIGN(const std::vector<std::string_view> merges,
             file.string_array("tokenizer.ggml.merges"));
  TRY_ASSIGN(const std::vector<int32_t> types, file.int_array("tokenizer.ggml.token_type"));
  if (types.size() != tokens.size()) {
    return make_error(ErrorCode::model_corrupt,
                      "key 'tokenizer.ggml.token_type' has {} elements where {} were expected",
                      types.size(), tokens.size());
  }
  TRY_ASSIGN(SpecialTokens special, SpecialTokens::create(tokens, types));
  TRY_ASSIGN(PreTokenizer pre_tokenizer, PreTokenizer::create());
  TRY_ASSIGN(BytePairEncoding encoding, BytePairEncoding::create(tokens, merges, run_units));
  size_t longest = 1;
  for (const std::string_view token : tokens) longest = std::max(longest, token.size());
  return std::unique_ptr<BytePairTokenizer>(
      new BytePairTokenizer(std::move(special), std::move(pre_tokenizer), std::move(encoding),
                            std::move(frame), kMostShrinking * longest));
}

Result<std::vector<TokenId>> BytePairTokenizer::tokenize(std::string_view text) const {
  if (text.size() > kMostBytes) {
    return make_error(ErrorCode::text_too_long, "text has {} bytes; {} are allowed", text.size(),
                      kMostBytes);
  }
  TRY(check_utf8(text));
  std::vector<TokenId> ids = frame_.before;
  size_t offset = 0;
  while (const std::optional<SpecialTokens::Match> special = special_.find(text, offset)) {
    TRY(append_ordinary(text.substr(offset, special->offset - offset), ids));
    ids.push_back(special->id);
    offset = special->offset + special->length;
  }
  TRY(append_ordinary(text.substr(offset), ids));
  ids.insert(ids.end(), frame_.after.begin(), frame_.after.end());
  return ids;
}

Status BytePairTokenizer::append_ordinary(std::string_view text, std::vector<TokenId>& ids) const {
  std::string storage;
  TRY_ASSIGN(const std::vector<std::string_view> words,
             pre_tokenizer_.split(to_nfc(text, storage)));
  encoding_.encode(words, ids);
  return {};
}

}  // namespace runed::embed
