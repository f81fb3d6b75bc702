#include "embed/tokenizer/tokenizer_table.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "embed/model/architecture.hpp"
#include "embed/tokenizer/byte_pair_tokenizer.hpp"
#include "embed/tokenizer/unigram_tokenizer.hpp"
#include "embed/tokenizer/word_piece_tokenizer.hpp"

namespace runed::embed {
namespace {

// A tokenizer, by the two names that a file has for it. Source: llama.cpp, llama-vocab.cpp.
struct Row {
  std::string_view model;
  std::string_view pre;  // Empty: whatever it is.
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

constexpr std::array kRows{
    Row{"gpt2", "qwen2", make_byte_pair},
    Row{"bert", "", make_word_piece},
    Row{"t5", "", make_unigram},
};

Error refused(std::string_view key, std::string_view found, std::vector<std::string_view> known) {
  return make_error(ErrorCode::model_unsupported, "key '{}' is '{}' where '{}' was expected", key,
                    printable(found), fmt::join(known, "' or '"));
}

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
  std::vector<std::string_view> pres;  // Of the model.
  for (const Row& row : kRows) {
    if (row.model == spec.model && (row.pre.empty() || row.pre == spec.pre)) return &row;
    if (row.model == spec.model) pres.push_back(row.pre);
    if (std::ranges::find(models, row.model) == models.end()) models.push_back(row.model);
  }
  if (pres.empty()) return refused("tokenizer.ggml.model", spec.model, models);
  return refused("tokenizer.ggml.pre", spec.pre, pres);
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
