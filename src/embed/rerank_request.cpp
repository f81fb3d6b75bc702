#include "embed/rerank_request.hpp"

#include <algorithm>
#include <utility>

namespace runed::embed {
namespace {

// The prompt of Qwen3-Reranker, to the byte. Of what is between its head and its tail one string is
// made before it becomes tokens: a space or a line feed of the prompt joins the text beside it.
// Source: the model card of Qwen3-Reranker-0.6B; llama.cpp, conversion/qwen.py.
constexpr std::string_view kPromptHead =
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and "
    "the Instruct provided. Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n"
    "<|im_start|>user\n";
constexpr std::string_view kPromptTail =
    "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";
constexpr std::string_view kUsualInstruction =
    "Given a web search query, retrieve relevant passages that answer the query";

// Both are tokenised with each document anew.
constexpr size_t kMostInstructionBytes = 16 << 10;
constexpr size_t kMostQueryBytes = 64 << 10;

std::string middle_of(std::string_view query, std::string_view instruction) {
  return fmt::format("<Instruct>: {}\n<Query>: {}\n<Document>: ",
                     instruction.empty() ? kUsualInstruction : instruction, query);
}

template <typename Ids>
void append(std::vector<TokenId>& to, const Ids& ids, size_t count) {
  to.insert(to.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
}

void append(std::vector<TokenId>& to, const std::vector<TokenId>& ids) {
  append(to, ids, ids.size());
}

// What a limit leaves when something has to be there whatever happens.
size_t room_beside(size_t limit, size_t tokens) {
  return limit > tokens ? limit - tokens : 0;
}

}  // namespace

Status check_rerank_options(const EmbedOptions& options, const ModelInfo& model) {
  if (model.spec.head != Head::rank) {
    return make_error(ErrorCode::wrong_model_kind,
                      "'{}' is an embedding model: it gives vectors, and no scores of pairs",
                      model.model_name)
        .with_hint("name a reranker; 'runed models' tells which models there are");
  }
  if (options.truncate == Truncate::left) {
    return make_error(ErrorCode::invalid_argument, "texts of a pair are cut at their right only")
        .with_hint("ask for truncation at the right")
        .with(fact::kField, "truncate");
  }
  if (options.instruction.empty()) return {};
  if (options.instruction.size() > kMostInstructionBytes) {
    return make_error(ErrorCode::invalid_argument, "the instruction has {} bytes, {} are allowed",
                      options.instruction.size(), kMostInstructionBytes)
        .with(fact::kField, "instruction");
  }
  if (model.spec.rank.pair == RankHead::Pair::prompt) return {};
  return make_error(ErrorCode::invalid_argument,
                    "cannot give '{}' an instruction: it has no place for a task", model.model_name)
      .with_hint("leave the instruction out");
}

PairLengths longest_first(PairLengths lengths, size_t room) {
  size_t shorter = std::min(lengths.first, lengths.second);
  size_t longer = std::max(lengths.first, lengths.second);
  if (shorter + longer <= room) return lengths;
  longer = shorter > room ? shorter : std::max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = shorter + room % 2;
  }
  if (lengths.first > lengths.second) return {.first = longer, .second = shorter};
  return {.first = shorter, .second = longer};
}

Result<PairMaker> PairMaker::create(std::string_view query, const EmbedOptions& options,
                                    const ModelInfo& model, const Tokenizer& tokenizer) {
  if (query.empty()) {
    return make_error(ErrorCode::empty_text, "the query is empty").with(fact::kField, "query");
  }
  PairMaker maker(options, model, tokenizer);
  if (model.spec.rank.pair == RankHead::Pair::prompt) {
    if (query.size() > kMostQueryBytes) {
      return make_error(ErrorCode::invalid_argument, "the query has {} bytes, {} are allowed",
                        query.size(), kMostQueryBytes)
          .with(fact::kField, "query");
    }
    TRY(tokenizer.append(kPromptHead, SpelledTokens::parsed, maker.query_));
    TRY(tokenizer.append(kPromptTail, SpelledTokens::parsed, maker.end_));
    maker.middle_ = middle_of(query, options.instruction);
  } else {
    TRY(tokenizer.append(query, SpelledTokens::parsed, maker.query_));
  }
  TRY(maker.check_limit());
  return maker;
}

// A limit that leaves no room for a token of each text can only be one that the user has set.
Status PairMaker::check_limit() const {
  const Frame& frame = model_.spec.frame;
  const size_t tokens = model_.spec.rank.pair == RankHead::Pair::prompt
                            ? query_.size() + end_.size()
                            : frame.before.size() + frame.between.size() + frame.after.size();
  if (tokens + 2 <= model_.max_tokens) return {};
  return make_error(ErrorCode::text_too_long,
                    "a pair may have {} tokens, of which {} frame its texts: none is left for them",
                    model_.max_tokens, tokens)
      .with_hint("raise the longest text ('ctx_size')")
      .with(fact::kTokens, tokens + 2)
      .with(fact::kLimit, model_.max_tokens);
}

Result<PreparedText> PairMaker::make(std::string_view document) const {
  return model_.spec.rank.pair == RankHead::Pair::prompt ? make_prompt(document)
                                                         : make_framed(document);
}

Status PairMaker::check_room(size_t tokens) const {
  if (tokens <= model_.max_tokens || truncate_ != Truncate::error) return {};
  return make_error(ErrorCode::text_too_long,
                    "the query and the document have {} tokens, the model takes {}", tokens,
                    model_.max_tokens)
      .with_hint("split the document, or ask for truncation ('--truncate right')")
      .with(fact::kTokens, tokens)
      .with(fact::kLimit, model_.max_tokens);
}

// As in the reference, special tokens that a text spells are those tokens.
Result<PreparedText> PairMaker::make_framed(std::string_view document) const {
  const Frame& frame = model_.spec.frame;
  std::vector<TokenId> second;
  TRY(tokenizer_.append(document, SpelledTokens::parsed, second));
  const PairLengths whole{.first = query_.size(), .second = second.size()};
  const size_t special = frame.before.size() + frame.between.size() + frame.after.size();
  TRY(check_room(special + whole.first + whole.second));
  const PairLengths left = longest_first(whole, room_beside(model_.max_tokens, special));
  PreparedText pair;
  append(pair.ids, frame.before);
  append(pair.ids, query_, left.first);
  append(pair.ids, frame.between);
  pair.second = static_cast<uint32_t>(pair.ids.size());
  append(pair.ids, second, left.second);
  append(pair.ids, frame.after);
  pair.tokens_dropped =
      static_cast<uint32_t>(whole.first + whole.second - left.first - left.second);
  return pair;
}

Result<PreparedText> PairMaker::make_prompt(std::string_view document) const {
  std::vector<TokenId> middle;
  TRY(tokenizer_.append(std::string(middle_).append(document), SpelledTokens::plain, middle));
  const size_t frame = query_.size() + end_.size();
  TRY(check_room(frame + middle.size()));
  const size_t left = std::min(middle.size(), room_beside(model_.max_tokens, frame));
  PreparedText pair;
  append(pair.ids, query_);
  append(pair.ids, middle, left);
  append(pair.ids, end_);
  pair.tokens_dropped = static_cast<uint32_t>(middle.size() - left);
  return pair;
}

std::vector<RankedDocument> rank_documents(std::span<const Embedding> scored, ScoreScale scale,
                                           size_t top_n) {
  std::vector<RankedDocument> ranked;
  ranked.reserve(scored.size());
  for (size_t i = 0; i < scored.size(); ++i) {
    ranked.push_back({.index = static_cast<uint32_t>(i),
                      .score = scored[i].vector.front(),
                      .token_count = scored[i].token_count,
                      .tokens_dropped = scored[i].tokens_dropped});
  }
  // By what is raw: near 1 scores from 0 to 1 may be the same where those are not.
  std::ranges::stable_sort(ranked, std::ranges::greater(), &RankedDocument::score);
  if (top_n != 0 && top_n < ranked.size()) ranked.resize(top_n);
  if (scale == ScoreScale::raw) return ranked;
  for (RankedDocument& document : ranked) document.score = to_unit_interval(document.score);
  return ranked;
}

}  // namespace runed::embed
