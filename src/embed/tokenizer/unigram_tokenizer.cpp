#include "embed/tokenizer/unigram_tokenizer.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "embed/tokenizer/added_token_flags.hpp"

namespace runed::embed {
namespace {

// Source: llama.cpp, llama_token_type.
constexpr int32_t kUnknown = 2;
constexpr int32_t kControl = 3;
constexpr int32_t kUnused = 5;

struct Vocabulary {
  std::vector<char> texts;  // Of all pieces, end to end: no later change of the file can reach it.
  std::vector<std::string_view> pieces;
  std::vector<float> scores;
  std::vector<int32_t> types;
  std::vector<int32_t> types_of_pieces;  // Those that only a text can spell are no pieces.
  AddedTokenFlags flags;
  TokenId unknown = 0;
};

Error wrong_size(std::string_view key, size_t found, size_t expected) {
  return make_error(ErrorCode::model_corrupt, "key '{}' has {} elements where {} were expected",
                    key, found, expected);
}

bool is_inside_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// All at once, which takes a tenth of the time: if the whole is well-formed, so is each piece that does
// not begin inside a character, since the one before it ends before a character then.
Status check_utf8_of_pieces(const Vocabulary& vocabulary) {
  const std::string_view all(vocabulary.texts.data(), vocabulary.texts.size());
  const bool is_cut = std::ranges::any_of(vocabulary.pieces, [](std::string_view piece) {
    return !piece.empty() && is_inside_character(piece.front());
  });
  if (!is_cut && !find_invalid_utf8(all)) return {};
  for (size_t i = 0; i < vocabulary.pieces.size(); ++i) {
    if (!find_invalid_utf8(vocabulary.pieces[i])) continue;
    return make_error(ErrorCode::model_corrupt,
                      "key 'tokenizer.ggml.tokens': token {} '{}' is not UTF-8", i,
                      printable(vocabulary.pieces[i]));
  }
  return {};
}

Status read_pieces(const Gguf& file, Vocabulary& vocabulary) {
  TRY_ASSIGN(const auto pieces, file.string_array("tokenizer.ggml.tokens"));
  size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  vocabulary.texts.reserve(size);
  vocabulary.pieces.reserve(pieces.size());
  for (const std::string_view piece : pieces) {
    const size_t begin = vocabulary.texts.size();
    vocabulary.texts.insert(vocabulary.texts.end(), piece.begin(), piece.end());
    vocabulary.pieces.emplace_back(vocabulary.texts.data() + begin, piece.size());
  }
  return check_utf8_of_pieces(vocabulary);
}

// llama.cpp's converter leaves a hole where it is, which only the key names. It takes the white space
// before it along. Source: tokenizer.json of xlm-roberta-base, added_tokens.
Status mark_mask(const Gguf& file, Vocabulary& vocabulary) {
  constexpr std::string_view kKey = "tokenizer.ggml.mask_token_id";
  if (!file.has(kKey)) return {};
  TRY_ASSIGN(const uint64_t id, file.unsigned_value(kKey));
  if (id >= vocabulary.types.size() || vocabulary.types[id] != kUnused) return {};
  vocabulary.pieces[id] = "<mask>";
  vocabulary.types[id] = kControl;
  vocabulary.flags.lstrip.push_back(static_cast<TokenId>(id));
  return {};
}

// Tokens that were added to a vocabulary are found where a text spells them, and nowhere else.
Status read_added(const Gguf& file, Vocabulary& vocabulary) {
  TRY_ASSIGN(vocabulary.flags, read_added_token_flags(file, vocabulary.pieces.size()));
  vocabulary.types_of_pieces = vocabulary.types;
  for (const TokenId id : vocabulary.flags.no_pieces) vocabulary.types_of_pieces[id] = kUnused;
  return mark_mask(file, vocabulary);
}

// The key, or the token that says so itself.
Result<TokenId> find_unknown(const Gguf& file, const Vocabulary& vocabulary) {
  constexpr std::string_view kKey = "tokenizer.ggml.unknown_token_id";
  if (!file.has(kKey)) {
    const auto found = std::ranges::find(vocabulary.types, kUnknown);
    if (found != vocabulary.types.end()) {
      return static_cast<TokenId>(found - vocabulary.types.begin());
    }
  }
  TRY_ASSIGN(const uint64_t id, file.unsigned_value(kKey));
  if (id < vocabulary.pieces.size()) return static_cast<TokenId>(id);
  return make_error(ErrorCode::model_corrupt, "key '{}' is {}, and there are {} tokens", kKey, id,
                    vocabulary.pieces.size());
}

Result<Vocabulary> read_vocabulary(const Gguf& file) {
  Vocabulary vocabulary;
  TRY(read_pieces(file, vocabulary));
  const size_t count = vocabulary.pieces.size();
  TRY_ASSIGN(vocabulary.scores, file.float_array("tokenizer.ggml.scores"));
  if (vocabulary.scores.size() != count) {
    return wrong_size("tokenizer.ggml.scores", vocabulary.scores.size(), count);
  }
  TRY_ASSIGN(vocabulary.types, file.int_array("tokenizer.ggml.token_type"));
  if (vocabulary.types.size() != count) {
    return wrong_size("tokenizer.ggml.token_type", vocabulary.types.size(), count);
  }
  TRY(read_added(file, vocabulary));
  TRY_ASSIGN(vocabulary.unknown, find_unknown(file, vocabulary));
  return vocabulary;
}

// As of WordPiece, the unknown token is parsed where a text spells it.
Result<SpecialTokens> find_special(const Vocabulary& vocabulary,
                                   const UnigramNormalizer& normalizer) {
  std::vector<int32_t> types = vocabulary.types;
  std::ranges::replace(types, kUnknown, kControl);
  return SpecialTokens::create(
      vocabulary.pieces, types, vocabulary.flags,
      [&normalizer](std::string_view token) { return normalizer.normalize(token); });
}

Status read_flag(const Gguf& file, std::string_view key, bool& flag) {
  if (!file.has(key)) return {};
  TRY_ASSIGN(flag, file.bool_value(key));
  return {};
}

// What llama.cpp's keys say of white space is less than the reference does, and in files of XLM-R often
// wrong: its converter took `remove_extra_whitespaces` from a setting of another meaning.
Result<UnigramNormalizer::Options> read_options(const Gguf& file) {
  UnigramNormalizer::Options options;
  TRY(read_flag(file, "runed.tokenizer.strip_left", options.strip_left));
  TRY(read_flag(file, "runed.tokenizer.strip_right", options.strip_right));
  TRY(read_flag(file, "runed.tokenizer.merge_spaces", options.merge_spaces));
  TRY(read_flag(file, "runed.tokenizer.split_words", options.split_words));
  TRY(read_flag(file, "runed.tokenizer.split_marks", options.split_marks));
  TRY(read_flag(file, "tokenizer.ggml.add_space_prefix", options.mark_begin));
  return options;
}

// Missing it is a fault of the file, unless the file says that there is none.
Result<Charsmap> read_charsmap(const Gguf& file) {
  bool has_one = true;
  TRY(read_flag(file, "runed.tokenizer.has_charsmap", has_one));
  if (!has_one) return Charsmap();
  TRY_ASSIGN(const auto blob, file.byte_array("tokenizer.ggml.precompiled_charsmap"));
  return Charsmap::parse(blob);
}

}  // namespace

UnigramTokenizer::UnigramTokenizer(SpecialTokens special, UnigramNormalizer normalizer,
                                   UnigramEncoder encoder, Frame frame)
    : FramedTokenizer(std::move(special), std::move(frame)),
      normalizer_(std::move(normalizer)),
      encoder_(std::move(encoder)) {}

Result<std::unique_ptr<UnigramTokenizer>> UnigramTokenizer::create(const Gguf& file, Frame frame) {
  TRY_ASSIGN(const Vocabulary vocabulary, read_vocabulary(file));
  TRY_ASSIGN(const UnigramNormalizer::Options options, read_options(file));
  TRY_ASSIGN(Charsmap charsmap, read_charsmap(file));
  UnigramNormalizer normalizer(std::move(charsmap), options);
  TRY_ASSIGN(SpecialTokens special, find_special(vocabulary, normalizer));
  UnigramEncoder encoder(vocabulary.pieces, vocabulary.scores, vocabulary.types_of_pieces,
                         vocabulary.unknown);
  return std::unique_ptr<UnigramTokenizer>(new UnigramTokenizer(
      std::move(special), std::move(normalizer), std::move(encoder), std::move(frame)));
}

Status UnigramTokenizer::append_ordinary(std::string_view text, std::vector<TokenId>& ids) const {
  return append_normalized(normalizer_.normalize(text), ids);
}

std::string_view UnigramTokenizer::normalize(std::string_view text, std::string& storage) const {
  storage = normalizer_.normalize(text);
  return storage;
}

Status UnigramTokenizer::append_normalized(std::string_view text, std::vector<TokenId>& ids) const {
  UnigramEncoder::Scratch scratch;
  normalizer_.for_each_stretch_of_normal(
      text, [&](std::string_view stretch) { encoder_.encode(stretch, scratch, ids); });
  return {};
}

}  // namespace runed::embed
