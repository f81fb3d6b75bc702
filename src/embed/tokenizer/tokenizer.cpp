#include "embed/tokenizer/tokenizer.hpp"

namespace runed::embed {

size_t max_text_bytes(uint32_t max_tokens, const Tokenizer& tokenizer) {
  constexpr size_t kFrameTokens = 8;
  return (max_tokens + kFrameTokens) * tokenizer.most_bytes_per_token();
}

}  // namespace runed::embed
