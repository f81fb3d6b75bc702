#include "embed/model/lost_parts.hpp"

#include <string_view>

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
      kHead, "name an embedding model; of this reranker no GGUF file is right");
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
  TRY(check_first_norm(file, spec));
  return check_positions(file, spec);
}

bool has_rank_head(const Gguf& file) {
  return file.find_tensor(kHead) != nullptr || file.find_tensor(kHeadOutput) != nullptr;
}

}  // namespace runed::embed
