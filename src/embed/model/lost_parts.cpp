#include "embed/model/lost_parts.hpp"

#include <string_view>

#include "base/text.hpp"
#include "embed/model/spec_reader.hpp"

namespace runed::embed {
namespace {

constexpr std::string_view kHead = "cls.weight";
constexpr std::string_view kHeadOutput = "cls.output.weight";
constexpr std::string_view kPositions = "position_embd.weight";

// Of RoBERTa's positions the first two stand for padding. Converters drop them, and did not always.
constexpr uint64_t kPaddingRows = 2;
constexpr uint64_t kUsualContexts[] = {512, 8192};

// What ranks in BERT is its pooler, a matrix and tanh, before the row of the score; the converter
// discards it, and scores shrink to a fortieth. DistilBERT's, which has another name, is kept.
Status check_pooler(const Gguf& file, const ModelSpec& spec) {
  if (spec.architecture != "bert" || spec.tokenizer.model != "bert") return {};
  if (file.find_tensor(kHeadOutput) == nullptr || file.find_tensor(kHead) != nullptr) return {};
  return conversion_fault(
      fmt::format("the model has a tensor '{}' and none '{}': it is a reranker, and its converter "
                  "left the pooler out",
                  kHeadOutput, kHead),
      kHead,
      "no GGUF file of this reranker is right: name the directory of its makers' files, as "
      "huggingface.co has it");
}

// Converters know a reranker of Qwen3 by its README or by the name of its directory. Of another one they
// make a language model without a word, whose scores are about 1e-20.
Status check_yes_and_no(const Gguf& file, const ModelSpec& spec) {
  if (spec.architecture != "qwen3" || file.tensors().empty()) return {};
  const bool is_named = contains_in_any_case(spec.name, "rerank") ||
                        file.has("tokenizer.chat_template.rerank") ||
                        spec.pooling.value == Pooling::rank;
  if (!is_named || file.find_tensor(kHeadOutput) != nullptr) return {};
  return conversion_fault(
      fmt::format("the model is a reranker, and has no tensor '{}': its converter took it for a "
                  "language model",
                  kHeadOutput),
      kHeadOutput,
      "install a file that is right: those of ggml-org are (Qwen3-Reranker-0.6B-Q8_0-GGUF)");
}

// Its makers have a pooler, a matrix and tanh, before the row of the score, which files lack.
Status check_jina_head(const Gguf& file, const ModelSpec& spec) {
  if (spec.architecture != "jina-bert-v2" || !has_rank_head(file)) return {};
  return conversion_fault(
      "the model is a reranker of architecture 'jina-bert-v2', and its converter left the pooler "
      "out",
      kHead, "of these rerankers no GGUF file is right: name another reranker");
}

bool has_padding_rows(uint64_t rows) {
  for (const uint64_t context : kUsualContexts) {
    if (rows == context + kPaddingRows) return true;
  }
  return false;
}

// A position is that of its row to llama.cpp, so that with rows of padding each text is two off.
// Position 0 of WordPiece is the first token's own.
Status check_positions(const Gguf& file, const ModelSpec& spec) {
  const Tensor* const positions = file.find_tensor(kPositions);
  if (spec.architecture != "bert" || positions == nullptr) return {};
  const uint64_t rows = positions->rows();
  if (spec.context != 0 && rows != spec.context) {
    return conversion_fault(
        fmt::format("tensor '{}' has {} rows where the {} of key '{}' were expected", kPositions,
                    rows, spec.context, spec.key("context_length")),
        kPositions, kConvertAgain);
  }
  if (spec.tokenizer.model == "bert" || !has_padding_rows(rows)) return {};
  return conversion_fault(
      fmt::format("tensor '{}' has {} rows where {} were expected: the {} of padding are among "
                  "them",
                  kPositions, rows, rows - kPaddingRows, kPaddingRows),
      kPositions, kConvertAgain);
}

// The first layer reads what the norm of the embedding gives.
Status check_first_norm(const Gguf& file, const ModelSpec& spec) {
  constexpr std::string_view kFirstNorm = "blk.0.attn_norm.weight";
  if (spec.architecture != "modern-bert" || file.find_tensor(kFirstNorm) == nullptr) return {};
  return conversion_fault(
      fmt::format("the model has a tensor '{}', which no model of its architecture has",
                  kFirstNorm),
      kFirstNorm, kConvertAgain);
}

}  // namespace

Status check_tensors(const Gguf& file, const ModelSpec& spec) {
  TRY(check_pooler(file, spec));
  TRY(check_yes_and_no(file, spec));
  TRY(check_jina_head(file, spec));
  TRY(check_first_norm(file, spec));
  return check_positions(file, spec);
}

bool has_rank_head(const Gguf& file) {
  return file.find_tensor(kHead) != nullptr || file.find_tensor(kHeadOutput) != nullptr;
}

}  // namespace runed::embed
