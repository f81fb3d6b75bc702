#include "embed/tokenizer/tokenizer.hpp"

namespace runed::embed {

Status Tokenizer::append(std::string_view /*text*/, SpelledTokens /*spelled*/,
                         std::vector<TokenId>& /*ids*/) const {
  return make_error(ErrorCode::model_unsupported,
                    "the tokenizer of the model is that of llama-server, which gives no parts of a "
                    "text");
}

size_t max_text_bytes(uint32_t max_tokens, const Tokenizer& tokenizer) {
  constexpr size_t kFrameTokens = 8;
  return (max_tokens + kFrameTokens) * tokenizer.most_bytes_per_token();
}

}  // namespace runed::embed
