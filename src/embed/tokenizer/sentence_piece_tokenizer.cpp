#include "embed/tokenizer/sentence_piece_tokenizer.hpp"

#include <algorithm>
#include <deque>
#include <span>
#include <utility>

#include "embed/tokenizer/added_token_flags.hpp"
#include "embed/tokenizer/merge_table.hpp"
#include "embed/tokenizer/score_merges.hpp"
#include "embed/tokenizer/token_index.hpp"

namespace runed::embed {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";

// Source: llama.cpp, llama_token_type.
constexpr int32_t kUnknown = 2;
constexpr int32_t kControl = 3;
constexpr int32_t kUserDefined = 4;

std::string with_marks(std::string_view text) {
  std::string marked;
  marked.reserve(text.size() + text.size() / 2);
  for (const char c : text) {
    if (c == ' ') {
      marked += kSpaceMark;
    } else {
      marked += c;
    }
  }
  return marked;
}

constexpr std::string_view kMerges = "tokenizer.ggml.merges";

// Tokens as the reference spells them: llama.cpp's converter, which writes no merges, has those of the
// user with spaces.
struct Vocabulary {
  std::deque<std::string> marked;        // Those that were spelled otherwise: none may move.
  std::vector<std::string_view> tokens;  // By id.
  std::vector<int32_t> types;
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
  for (size_t id = 0; id < count; ++id) {
    std::string_view& token = vocabulary.tokens[id];
    if (vocabulary.types[id] == kUnknown) vocabulary.types[id] = kControl;
    if (file.has(kMerges) || vocabulary.types[id] != kUserDefined) continue;
    if (token.find(' ') == std::string_view::npos) continue;
    token = vocabulary.marked.emplace_back(with_marks(token));
  }
  return vocabulary;
}

// Scores of merges all differ. Where several tokens have that of the first merge, a converter that had
// no model of SentencePiece wrote so those that were added, which are found in a text as they are
// spelled, and nowhere else.
void mark_added(const std::vector<float>& scores, Vocabulary& vocabulary, AddedTokenFlags& flags) {
  constexpr int32_t kNormal = 1;
  std::vector<TokenId> added;
  for (size_t id = 0; id < scores.size() && id < vocabulary.types.size(); ++id) {
    if (scores[id] == 0 && vocabulary.types[id] == kNormal) {
      added.push_back(static_cast<TokenId>(id));
    }
  }
  if (added.size() < 2) return;
  for (const TokenId id : added) {
    vocabulary.types[id] = kUserDefined;
    flags.no_pieces.push_back(id);
  }
}

// Where a text begins with a space, the tokenizer of another model is meant.
Status check_prefix(const Gguf& file) {
  constexpr std::string_view kKey = "tokenizer.ggml.add_space_prefix";
  bool adds_space = true;  // What llama.cpp takes a file to say that says nothing.
  if (file.has(kKey)) {
    TRY_ASSIGN(adds_space, file.bool_value(kKey));
  }
  if (!adds_space) return {};
  return make_error(ErrorCode::model_unsupported, "key '{}' is {} where false was expected", kKey,
                    file.has(kKey) ? "true" : "missing");
}

Result<std::vector<float>> read_scores(const Gguf& file) {
  if (file.has(kMerges)) return std::vector<float>();
  return file.float_array("tokenizer.ggml.scores");
}

Result<MergeTable> read_merges(const Gguf& file, const TokenIndex& index,
                               std::span<const float> scores, const RunUnits& run_units) {
  if (!file.has(kMerges)) return merges_by_score(index, scores);
  TRY_ASSIGN(const std::vector<std::string_view> merges, file.string_array(kMerges));
  return MergeTable::create(index, merges, run_units);
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(SpecialTokens special,
                                               CharacterPairEncoding encoding, Frame frame,
                                               size_t longest_token)
    : FramedTokenizer(std::move(special), std::move(frame)),
      encoding_(std::move(encoding)),
      longest_token_(longest_token) {}

Result<std::unique_ptr<SentencePieceTokenizer>> SentencePieceTokenizer::create(
    const Gguf& file, Frame frame, const RunUnits& run_units) {
  TRY(check_prefix(file));
  TRY_ASSIGN(Vocabulary vocabulary, read_vocabulary(file));
  TRY_ASSIGN(AddedTokenFlags flags, read_added_token_flags(file, vocabulary.tokens.size()));
  TRY_ASSIGN(const std::vector<float> scores, read_scores(file));
  mark_added(scores, vocabulary, flags);
  std::vector<std::string_view> pieces = vocabulary.tokens;
  for (const TokenId id : flags.no_pieces) pieces[id] = {};
  const TokenIndex index(pieces);
  TRY_ASSIGN(MergeTable merges, read_merges(file, index, scores, run_units));
  TRY_ASSIGN(CharacterPairEncoding encoding,
             CharacterPairEncoding::create(index, std::move(merges)));
  TRY_ASSIGN(SpecialTokens special,
             SpecialTokens::create(vocabulary.tokens, vocabulary.types, flags, with_marks));
  size_t longest = 1;
  for (const std::string_view token : vocabulary.tokens) longest = std::max(longest, token.size());
  return std::unique_ptr<SentencePieceTokenizer>(new SentencePieceTokenizer(
      std::move(special), std::move(encoding), std::move(frame), longest));
}

std::string_view SentencePieceTokenizer::normalize(std::string_view text,
                                                   std::string& storage) const {
  storage = with_marks(text);
  return storage;
}

Status SentencePieceTokenizer::append_ordinary(std::string_view text,
                                               std::vector<TokenId>& ids) const {
  return append_normalized(with_marks(text), ids);
}

Status SentencePieceTokenizer::append_normalized(std::string_view text,
                                                 std::vector<TokenId>& ids) const {
  encoding_.encode(text, ids);
  return {};
}

}  // namespace runed::embed
