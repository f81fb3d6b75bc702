#include "embed/tokenizer/tokenizer_table.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "embed/model/architecture.hpp"
#include "embed/model/byte_pair_rules.hpp"
#include "embed/tokenizer/byte_pair_tokenizer.hpp"
#include "embed/tokenizer/sentence_piece_tokenizer.hpp"
#include "embed/tokenizer/unigram_tokenizer.hpp"
#include "embed/tokenizer/word_piece_tokenizer.hpp"

namespace runed::embed {
namespace {

// A tokenizer, by the name that a file has for it. Source: llama.cpp, llama-vocab.cpp.
struct Row {
  std::string_view model;
  Status (*check_pre)(std::string_view);  // The second name of a file; null: it may be any.
  Result<std::unique_ptr<const Tokenizer>> (*make)(const Gguf&, const ModelSpec&, const RunUnits&);
};

Result<std::unique_ptr<const Tokenizer>> make_byte_pair(const Gguf& file, const ModelSpec& spec,
                                                        const RunUnits& run_units) {
  TRY_ASSIGN(auto tokenizer, BytePairTokenizer::create(file, spec.frame, run_units));
  return std::unique_ptr<const Tokenizer>(std::move(tokenizer));
}

Result<std::unique_ptr<const Tokenizer>> make_word_piece(const Gguf& file, const ModelSpec& spec,
                                                         const RunUnits& /*run_units*/) {
  TRY_ASSIGN(auto tokenizer, WordPieceTokenizer::create(file, spec.frame));
  return std::unique_ptr<const Tokenizer>(std::move(tokenizer));
}

Result<std::unique_ptr<const Tokenizer>> make_unigram(const Gguf& file, const ModelSpec& spec,
                                                      const RunUnits& /*run_units*/) {
  TRY_ASSIGN(auto tokenizer, UnigramTokenizer::create(file, spec.frame));
  return std::unique_ptr<const Tokenizer>(std::move(tokenizer));
}

Result<std::unique_ptr<const Tokenizer>> make_sentence_piece(const Gguf& file,
                                                             const ModelSpec& spec,
                                                             const RunUnits& run_units) {
  TRY_ASSIGN(auto tokenizer, SentencePieceTokenizer::create(file, spec.frame, run_units));
  return std::unique_ptr<const Tokenizer>(std::move(tokenizer));
}

constexpr std::array kRows{
    Row{"gpt2", check_byte_pair_rules, make_byte_pair},
    Row{"bert", nullptr, make_word_piece},
    Row{"t5", nullptr, make_unigram},
    Row{"llama", nullptr, make_sentence_piece},
};

bool is_known(const Frame& frame) {
  const auto is_known = [](TokenId id) { return id != kTokenOfEngine; };
  return std::ranges::all_of(frame.before, is_known) && std::ranges::all_of(frame.after, is_known);
}

// Without a row of its architecture nobody knows the ids that frame a text, but those of WordPiece,
// which frames it alike in all of them.
Result<const Row*> find_row(const ModelSpec& of) {
  const TokenizerSpec& spec = of.tokenizer;
  if (spec.model != "bert" || !is_known(of.frame)) TRY(get_architecture(of.architecture));
  std::vector<std::string_view> models;
  for (const Row& row : kRows) {
    if (row.model == spec.model) {
      if (row.check_pre != nullptr) TRY(row.check_pre(spec.pre));
      return &row;
    }
    models.push_back(row.model);
  }
  return make_error(ErrorCode::model_unsupported, "key '{}' is '{}' where '{}' was expected",
                    "tokenizer.ggml.model", printable(spec.model), fmt::join(models, "' or '"));
}

}  // namespace

Status check_tokenizer(const ModelSpec& spec) {
  TRY(find_row(spec));
  return {};
}

Result<std::unique_ptr<const Tokenizer>> make_tokenizer(const Gguf& file, const ModelSpec& spec,
                                                        const RunUnits& run_units) {
  TRY_ASSIGN(const Row* row, find_row(spec));
  return row->make(file, spec, run_units);
}

}  // namespace runed::embed
