#include "embed/tokenizer/word_piece_tokenizer.hpp"

#include <utility>

#include "embed/tokenizer/added_token_flags.hpp"

namespace runed::embed {
namespace {

// Where a file does not say it. Source: llama.cpp, llama-vocab.cpp, of BERT's own vocabularies.
constexpr uint64_t kUsualUnknown = 100;

// Source: llama.cpp, LLAMA_TOKEN_TYPE_UNKNOWN and LLAMA_TOKEN_TYPE_CONTROL.
constexpr int32_t kUnknown = 2;
constexpr int32_t kControl = 3;
constexpr int32_t kUnused = 5;

struct Vocabulary {
  std::vector<std::string_view> tokens;
  std::vector<int32_t> types;
  AddedTokenFlags flags;
  TokenId unknown = 0;
};

Result<Vocabulary> read_vocabulary(const Gguf& file) {
  Vocabulary vocabulary;
  TRY_ASSIGN(vocabulary.tokens, file.string_array("tokenizer.ggml.tokens"));
  TRY_ASSIGN(vocabulary.types, file.int_array("tokenizer.ggml.token_type"));
  const size_t count = vocabulary.tokens.size();
  if (vocabulary.types.size() != count) {
    return make_error(ErrorCode::model_corrupt,
                      "key 'tokenizer.ggml.token_type' has {} elements where {} were expected",
                      vocabulary.types.size(), count);
  }
  TRY_ASSIGN(vocabulary.flags, read_added_token_flags(file, count));
  constexpr std::string_view kKey = "tokenizer.ggml.unknown_token_id";
  uint64_t unknown = kUsualUnknown;
  if (file.has(kKey)) {
    TRY_ASSIGN(unknown, file.unsigned_value(kKey));
  }
  if (unknown >= count) {
    return make_error(ErrorCode::model_corrupt, "key '{}' is {}, and there are {} tokens", kKey,
                      unknown, count);
  }
  vocabulary.unknown = static_cast<TokenId>(unknown);
  return vocabulary;
}

// The reference has all special tokens in a text parsed, the unknown one too, as they are spelled
// there: a file has a mark before those that are no control tokens.
Result<SpecialTokens> find_special(const Vocabulary& vocabulary,
                                   const WordPieceNormalizer& normalizer) {
  std::vector<std::string_view> texts;
  std::vector<int32_t> types = vocabulary.types;
  texts.reserve(types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    texts.push_back(spelled(vocabulary.tokens[i], types[i]).text);
    if (types[i] == kUnknown) types[i] = kControl;
  }
  return SpecialTokens::create(texts, types, vocabulary.flags,
                               [&](std::string_view text) { return normalizer.normalized(text); });
}

WordPieceEncoder make_encoder(const Vocabulary& vocabulary) {
  std::vector<int32_t> types = vocabulary.types;
  for (const TokenId id : vocabulary.flags.no_pieces) types[id] = kUnused;
  return {vocabulary.tokens, types, vocabulary.unknown};
}

Result<bool> read_bool(const Gguf& file, std::string_view key, bool otherwise) {
  if (!file.has(key)) return otherwise;
  return file.bool_value(key);
}

Result<WordPieceNormalizer::Options> read_options(const Gguf& file) {
  WordPieceNormalizer::Options options;
  TRY_ASSIGN(options.lowercase, read_bool(file, "tokenizer.ggml.normalizer.lowercase", true));
  TRY_ASSIGN(options.strip_accents,
             read_bool(file, "tokenizer.ggml.normalizer.strip_accents", options.lowercase));
  // Of our own: llama.cpp has no keys for what few models leave out.
  TRY_ASSIGN(options.clean_text, read_bool(file, "runed.tokenizer.clean_text", true));
  TRY_ASSIGN(options.split_cjk, read_bool(file, "runed.tokenizer.split_cjk", true));
  return options;
}

}  // namespace

WordPieceTokenizer::WordPieceTokenizer(SpecialTokens special, WordPieceNormalizer normalizer,
                                       WordPieceEncoder encoder, Frame frame)
    : FramedTokenizer(std::move(special), std::move(frame)),
      normalizer_(std::move(normalizer)),
      splitter_(
          {.clean_text = false, .split_cjk = false, .strip_accents = false, .lowercase = false}),
      encoder_(std::move(encoder)) {}

Result<std::unique_ptr<WordPieceTokenizer>> WordPieceTokenizer::create(const Gguf& file,
                                                                       Frame frame) {
  TRY_ASSIGN(const Vocabulary vocabulary, read_vocabulary(file));
  TRY_ASSIGN(const WordPieceNormalizer::Options options, read_options(file));
  WordPieceNormalizer normalizer(options);
  TRY_ASSIGN(SpecialTokens special, find_special(vocabulary, normalizer));
  return std::unique_ptr<WordPieceTokenizer>(new WordPieceTokenizer(
      std::move(special), std::move(normalizer), make_encoder(vocabulary), std::move(frame)));
}

Status WordPieceTokenizer::append_ordinary(std::string_view text, std::vector<TokenId>& ids) const {
  normalizer_.for_each_word(text, [&](std::string_view word) { encoder_.encode(word, ids); });
  return {};
}

std::string_view WordPieceTokenizer::normalize(std::string_view text, std::string& storage) const {
  storage = normalizer_.normalized(text);
  return storage;
}

Status WordPieceTokenizer::append_normalized(std::string_view text,
                                             std::vector<TokenId>& ids) const {
  splitter_.for_each_word(text, [&](std::string_view word) { encoder_.encode(word, ids); });
  return {};
}

}  // namespace runed::embed
