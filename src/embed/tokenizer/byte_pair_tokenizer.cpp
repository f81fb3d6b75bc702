#include "embed/tokenizer/byte_pair_tokenizer.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "embed/tokenizer/nfc.hpp"

namespace runed::embed {
namespace {

// How many bytes one byte of form C may have been (nfc_test.cpp): three jamo are a syllable.
constexpr size_t kMostShrinking = 3;

}  // namespace

BytePairTokenizer::BytePairTokenizer(SpecialTokens special, PreTokenizer pre_tokenizer,
                                     BytePairEncoding encoding, Frame frame,
                                     size_t most_bytes_per_token)
    : FramedTokenizer(std::move(special), std::move(frame)),
      pre_tokenizer_(std::move(pre_tokenizer)),
      encoding_(std::move(encoding)),
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

Status BytePairTokenizer::append_ordinary(std::string_view text, std::vector<TokenId>& ids) const {
  std::string storage;
  TRY_ASSIGN(const std::vector<std::string_view> words,
             pre_tokenizer_.split(to_nfc(text, storage)));
  encoding_.encode(words, ids);
  return {};
}

}  // namespace runed::embed
