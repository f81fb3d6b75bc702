#include "embed/rerank_self_test.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "embed/rerank_request.hpp"

namespace runed::embed {
namespace {

constexpr std::string_view kQuery = "how is a commit undone?";
constexpr std::array<std::string_view, 5> kDocuments{
    "git revert makes a new commit that undoes an earlier one.",
    "The river rises in spring, when the snow of the mountains melts, and floods the meadows.",
    "undo",
    "Ein Commit wird mit git revert rückgängig gemacht.",
    "x = x + 1",
};

// What rounding in the fastest format may do to a score, of logits that span some ten.
constexpr double kMostDifference = 0.05;

// Far below what two documents differ by, and far above what rounding does to one.
constexpr double kLeastSpan = 1e-3;

Result<std::vector<PreparedText>> make_pairs(const Engine& engine) {
  const auto tokenizer = engine.tokenizer();
  if (tokenizer == nullptr) {
    return make_error(ErrorCode::unavailable, "the engine is not started");
  }
  TRY_ASSIGN(const auto maker,
             PairMaker::create(kQuery, {.truncate = Truncate::right}, engine.info(), *tokenizer));
  std::vector<PreparedText> pairs;
  for (const std::string_view document : kDocuments) {
    TRY_ASSIGN(PreparedText pair, maker.make(document));
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

Result<std::vector<double>> score(Engine& engine, std::span<const PreparedText> pairs) {
  TRY_ASSIGN(const auto scored, embed_all(engine, pairs));
  std::vector<double> scores;
  for (const Embedding& each : scored) scores.push_back(static_cast<double>(each.vector.front()));
  return scores;
}

}  // namespace

Result<std::vector<SelfTestCheck>> run_rerank_self_test(Engine& engine,
                                                        const std::function<bool()>& is_cancelled) {
  TRY_ASSIGN(const auto pairs, make_pairs(engine));
  auto together = score(engine, pairs);
  if (!together) {
    if (together.error().code != ErrorCode::not_finite) return std::move(together).error();
    return std::vector<SelfTestCheck>{{"finite", false, together.error().message}};
  }
  double worst = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (is_cancelled && is_cancelled()) return make_error(ErrorCode::cancelled, "interrupted");
    TRY_ASSIGN(const auto alone, score(engine, {&pairs[i], 1}));
    worst = std::max(worst, std::abs(alone.front() - (*together)[i]));
  }
  const auto [least, most] = std::ranges::minmax(*together);
  return std::vector<SelfTestCheck>{
      {"finite", true, fmt::format("{} scores", pairs.size())},
      {"batch_invariance", worst <= kMostDifference,
       fmt::format("worst difference {:.6f} of {}", worst, pairs.size())},
      {"distinct", most - least >= kLeastSpan,
       fmt::format("scores from {:.4f} to {:.4f}", least, most)}};
}

}  // namespace runed::embed
