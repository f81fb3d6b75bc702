#include "embed/tokenizer/character_pair_encoding.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <string>

#include "base/text.hpp"
#include "embed/tokenizer/pair_merger.hpp"
#include "embed/tokenizer/utf8_characters.hpp"

namespace runed::embed {
namespace {

constexpr TokenId kNoToken = TokenIndex::kNoToken;

}  // namespace

Result<CharacterPairEncoding> CharacterPairEncoding::create(const TokenIndex& index,
                                                            MergeTable merges) {
  CharacterPairEncoding encoding(std::move(merges));
  for (size_t byte = 0; byte < encoding.byte_tokens_.size(); ++byte) {
    const std::string token = fmt::format("<0x{:02X}>", byte);
    encoding.byte_tokens_[byte] = index.find(token);
    if (encoding.byte_tokens_[byte] != kNoToken) continue;
    return make_error(ErrorCode::model_unsupported, "key 'tokenizer.ggml.tokens' has no token '{}'",
                      token);
  }
  encoding.index_characters(index.tokens());
  return encoding;
}

void CharacterPairEncoding::index_characters(std::span<const std::string_view> tokens) {
  ascii_tokens_.fill(kNoToken);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].empty() || tokens[i].size() > 4) continue;
    const std::string text(tokens[i]);  // Copied first: the file may be written to meanwhile.
    if (find_invalid_utf8(text)) continue;
    size_t end = 0;
    const uint32_t point = next_character(text, end);
    if (end != text.size()) continue;
    const auto id = static_cast<TokenId>(i);
    if (point >= ascii_tokens_.size()) {
      other_tokens_.try_emplace(point, id);
    } else if (ascii_tokens_[point] == kNoToken) {
      ascii_tokens_[point] = id;
    }
  }
}

TokenId CharacterPairEncoding::find_character(uint32_t point) const {
  if (point < ascii_tokens_.size()) return ascii_tokens_[point];
  const auto found = other_tokens_.find(point);
  return found == other_tokens_.end() ? kNoToken : found->second;
}

void CharacterPairEncoding::encode(std::string_view text, std::vector<TokenId>& ids) const {
  PairMerger merger(merges_);
  for (size_t offset = 0; offset < text.size();) {
    const size_t begin = offset;
    const TokenId id = find_character(next_character(text, offset));
    if (id != kNoToken) {
      merger.add(id);
      continue;
    }
    for (const char byte : text.substr(begin, offset - begin)) {
      merger.add(byte_tokens_[static_cast<unsigned char>(byte)]);
    }
  }
  merger.merge_into(ids);
}

}  // namespace runed::embed
