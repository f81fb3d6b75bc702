#include "embed/tokenizer/byte_pair_encoding.hpp"

#include <cstdint>
#include <optional>
#include <string>

#include "embed/tokenizer/pair_merger.hpp"
#include "embed/tokenizer/token_index.hpp"

namespace runed::embed {
namespace {

constexpr TokenId kNoToken = TokenIndex::kNoToken;

// The character that stands for a byte in a vocabulary: itself where it is visible in Latin-1, the
// next one from U+0100 on where it is not. As UTF-8, which takes two bytes at most.
std::array<std::string, 256> byte_characters() {
  std::array<std::string, 256> characters;
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool visible = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    const uint32_t point = visible ? byte : next++;
    if (point >= 0x80) characters[byte] += static_cast<char>(0xC0 | point >> 6);
    characters[byte] += static_cast<char>(point < 0x80 ? point : 0x80 | (point & 0x3F));
  }
  return characters;
}

// The byte that each character stands for, by its number: all are below U+0180.
class ByteOfCharacter {
 public:
  ByteOfCharacter() {
    const std::array<std::string, 256> characters = byte_characters();
    for (size_t byte = 0; byte < characters.size(); ++byte) {
      size_t offset = 0;
      const uint32_t point = *point_at(characters[byte], offset);
      bytes_[point] = static_cast<char>(byte);
      is_known_[point] = true;
    }
  }

  // Appends the bytes that a token stands for; false if it has a character that stands for none.
  bool append(std::string_view token, std::vector<char>& bytes) const {
    for (size_t offset = 0; offset < token.size();) {
      const std::optional<uint32_t> point = point_at(token, offset);
      if (!point || !is_known_[*point]) return false;
      bytes.push_back(bytes_[*point]);
    }
    return true;
  }

 private:
  static constexpr uint32_t kMost = 0x180;

  // Of two bytes at most, whatever the text is: the file may be written to meanwhile.
  static std::optional<uint32_t> point_at(std::string_view text, size_t& offset) {
    const auto lead = static_cast<unsigned char>(text[offset++]);
    if (lead < 0x80) return lead;
    if (lead < 0xC2 || lead > 0xC5 || offset == text.size()) return std::nullopt;
    const uint32_t point =
        (lead & 0x1FU) << 6 | (static_cast<unsigned char>(text[offset++]) & 0x3FU);
    return point < kMost ? std::optional(point) : std::nullopt;
  }

  std::array<char, kMost> bytes_{};
  std::array<bool, kMost> is_known_{};
};

}  // namespace

Status BytePairEncoding::find_byte_tokens(const TokenIndex& index) {
  const std::array<std::string, 256> characters = byte_characters();
  for (size_t byte = 0; byte < characters.size(); ++byte) {
    byte_tokens_[byte] = index.find(characters[byte]);
    if (byte_tokens_[byte] != kNoToken) continue;
    return make_error(ErrorCode::model_unsupported,
                      "key 'tokenizer.ggml.tokens' has no token '{}' for byte {:#04x}",
                      characters[byte], byte);
  }
  return {};
}

// A token of other characters is none that a word can be: added tokens are found before.
void BytePairEncoding::index_words(std::span<const std::string_view> tokens) {
  const ByteOfCharacter bytes;
  word_ids_ = NumberTable(tokens.size());
  begins_.reserve(tokens.size() + 1);
  for (size_t id = 0; id < tokens.size(); ++id) {
    begins_.push_back(words_.size());
    if (!bytes.append(tokens[id], words_)) words_.resize(begins_.back());
  }
  begins_.push_back(words_.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    const std::string_view word = word_at(id);
    if (word.empty()) continue;
    word_ids_.insert(hash_of(word), static_cast<uint32_t>(id),
                     [&](uint32_t other) { return word_at(other) == word; });
  }
}

TokenId BytePairEncoding::find_word(std::string_view word) const {
  return word_ids_.find(hash_of(word), [&](uint32_t id) { return word_at(id) == word; });
}

Result<BytePairEncoding> BytePairEncoding::create(std::span<const std::string_view> tokens,
                                                  std::span<const std::string_view> merges,
                                                  const RunUnits& run_units,
                                                  WholeWords whole_words) {
  BytePairEncoding encoding;
  const TokenIndex index(tokens);
  TRY(encoding.find_byte_tokens(index));
  TRY_ASSIGN(encoding.merges_, MergeTable::create(index, merges, run_units));
  if (whole_words == WholeWords::looked_up) encoding.index_words(tokens);
  return encoding;
}

void BytePairEncoding::encode(std::span<const std::string_view> words,
                              std::vector<TokenId>& ids) const {
  PairMerger merger(merges_);
  for (const std::string_view word : words) {
    const TokenId whole = begins_.empty() ? kNoToken : find_word(word);
    if (whole != kNoToken) {
      ids.push_back(whole);
      continue;
    }
    for (const char byte : word) merger.add(byte_tokens_[static_cast<unsigned char>(byte)]);
    merger.merge_into(ids);
  }
}

}  // namespace runed::embed
