// Source: llama.cpp, llama-graph.cpp, build_pooling, for what the tensors of a head are; transformers,
//         modeling_{bert,xlm_roberta,modernbert,distilbert}.py, for what is computed with them.
#include "embed/model/rank_head_reader.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "embed/model/lost_parts.hpp"
#include "embed/model/spec_reader.hpp"

namespace runed::embed {
namespace {

constexpr std::string_view kDense = "cls.weight";
constexpr std::string_view kNorm = "cls.norm.weight";
constexpr std::string_view kOutput = "cls.output.weight";

bool has_tensors(const Gguf& file) {
  return !file.tensors().empty();
}

bool has_tensor(const Gguf& file, std::string_view name) {
  return file.find_tensor(name) != nullptr;
}

Status expect_tensor(const Gguf& file, std::string_view name) {
  if (!has_tensors(file) || has_tensor(file, name)) return {};
  return conversion_fault(
      fmt::format("the model is a reranker, and has no tensor '{}': its converter left out a part "
                  "of the head",
                  name),
      name, kConvertAgain);
}

// The labels say how many outputs there are; a model of one need not have any.
Status expect_labels(const Gguf& file, const ModelSpec& spec,
                     const std::vector<std::string_view>& expected) {
  const std::string key = spec.key("classifier.output_labels");
  if (!file.has(key)) return {};
  TRY_ASSIGN(const auto labels, file.string_array(key));
  const bool are_words = expected.size() > 1;
  if (labels.size() == expected.size() && (!are_words || std::ranges::equal(labels, expected))) {
    return {};
  }
  return conversion_fault(
      fmt::format("key '{}' has {} labels where {} was expected: the model tells classes, and no "
                  "score of two texts",
                  key, labels.size(),
                  are_words ? fmt::format("'{}'", fmt::join(expected, "', '")) : "one"),
      key, "name a reranker");
}

// The pooler of BERT and the dense layer of RoBERTa: tanh of the first token's.
Status read_bert(const Gguf& file, ModelSpec& spec) {
  const bool is_word_piece = spec.tokenizer.model == "bert";
  if (is_word_piece && has_tensors(file) && !has_tensor(file, "token_types.weight")) {
    return conversion_fault(
        "the model is a reranker of DistilBERT, whose head no engine computes as its makers do",
        kDense, "name a reranker of BERT, XLM-RoBERTa, ModernBERT or Qwen3");
  }
  TRY(expect_tensor(file, kDense));
  TRY(expect_labels(file, spec, {""}));
  spec.rank = {.pooling = Pooling::cls, .has_dense = true};
  spec.frame.between = spec.frame.after;
  if (!is_word_piece) {  // RoBERTa closes the first text, and opens the second with the same token.
    spec.frame.between.insert(spec.frame.between.end(), spec.frame.after.begin(),
                              spec.frame.after.end());
  }
  spec.frame.has_second_segment = is_word_piece && spec.token_types > 1;
  return {};
}

// Older files do not say it. gte-reranker-modernbert, of which most of them are, takes the mean.
Result<Pooling> read_pooling(const Gguf& file, const ModelSpec& spec) {
  const std::string key = spec.key("classifier.pooling_type");
  if (file.has(key)) {
    TRY_ASSIGN(const uint64_t number, file.unsigned_value(key));
    const auto pooling = static_cast<Pooling>(std::min<uint64_t>(number, 255));
    if (pooling == Pooling::cls || pooling == Pooling::mean) return pooling;
    return conversion_fault(
        fmt::format("key '{}' is {} where 1 (mean) or 2 (cls) was expected", key, number), key,
        kConvertAgain);
  }
  if (contains_in_any_case(spec.name, "gte")) return Pooling::mean;
  return conversion_fault(fmt::format("key '{}' is missing: nobody says of which tokens the score "
                                      "is made",
                                      key),
                          key, kConvertAgain);
}

Result<RankHead::Activation> read_activation(const Gguf& file, const ModelSpec& spec) {
  const std::string key = spec.key("classifier.activation");
  if (!file.has(key)) return RankHead::Activation::gelu;
  TRY_ASSIGN(const std::string_view name, file.string_value(key));
  if (name == "gelu") return RankHead::Activation::gelu;
  if (name == "tanh") return RankHead::Activation::tanh;
  return conversion_fault(
      fmt::format("key '{}' is '{}' where 'gelu' or 'tanh' was expected", key, printable(name)),
      key, "another activation is not served: name another reranker");
}

Status read_modern_bert(const Gguf& file, ModelSpec& spec) {
  TRY(expect_tensor(file, kDense));
  TRY(expect_tensor(file, kNorm));
  TRY(expect_labels(file, spec, {""}));
  spec.rank = {.has_dense = true, .has_norm = true};
  TRY_ASSIGN(spec.rank.pooling, read_pooling(file, spec));
  TRY_ASSIGN(spec.rank.activation, read_activation(file, spec));
  spec.frame.between = spec.frame.after;
  return {};
}

Status read_qwen3(const Gguf& file, ModelSpec& spec) {
  TRY(expect_labels(file, spec, {"yes", "no"}));
  if (has_tensor(file, kDense)) {
    return conversion_fault(
        fmt::format("the model has a tensor '{}', which no reranker of Qwen3 has", kDense), kDense,
        kConvertAgain);
  }
  spec.rank = {
      .pooling = Pooling::last, .score = RankHead::Score::log_odds, .pair = RankHead::Pair::prompt};
  spec.frame = {};  // The prompt is all that is around a pair.
  return {};
}

}  // namespace

bool is_reranker(const Gguf& file, const ModelSpec& spec) {
  if (spec.pooling.is_known()) return spec.pooling.value == Pooling::rank;
  if (has_tensors(file)) return has_rank_head(file);
  return file.has(spec.key("classifier.output_labels"));
}

Status read_rank_head(const Gguf& file, ModelSpec& spec) {
  using Read = Status (*)(const Gguf&, ModelSpec&);
  constexpr std::array<std::pair<std::string_view, Read>, 3> kRows{
      {{"bert", read_bert}, {"modern-bert", read_modern_bert}, {"qwen3", read_qwen3}}};
  for (const auto& [architecture, read] : kRows) {
    if (spec.architecture != architecture) continue;
    TRY(expect_tensor(file, kOutput));
    return read(file, spec);
  }
  return conversion_fault(
      fmt::format("key 'general.architecture' is '{}', and the model a reranker: of that "
                  "architecture none is served",
                  spec.architecture),
      "general.architecture", "name a reranker of BERT, XLM-RoBERTa, ModernBERT or Qwen3");
}

}  // namespace runed::embed
