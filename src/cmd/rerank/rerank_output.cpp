#include "cmd/rerank/rerank_output.hpp"

#include <fmt/format.h>

#include "base/json.hpp"

namespace runed::cmd {
namespace {

std::string json_string(const std::string& text) {
  return to_line(Json(text));
}

}  // namespace

std::string to_lines(const Ranking& ranking, std::span<const std::string> documents) {
  std::string lines;
  for (const RankedDocument& result : ranking.results) {
    lines += fmt::format("{:.6f}\t{}\n", result.score, documents[result.index]);
  }
  return lines;
}

// Written by hand: a JSON library prints f32 as if it were f64, with twice the digits.
std::string to_document(const Ranking& ranking, std::span<const std::string> documents) {
  std::string text = fmt::format(
      R"({{"model":{},"model_identity":{},"engine":{},"query":{},"scale":{},"results":[)",
      json_string(ranking.model_name), json_string(ranking.model_identity),
      json_string(ranking.engine), json_string(ranking.query),
      ranking.scale == ScoreScale::raw ? R"("raw")" : R"("unit")");
  bool is_first = true;
  for (const RankedDocument& result : ranking.results) {
    if (!is_first) text += ',';
    is_first = false;
    text += fmt::format(R"({{"index":{},"score":{},"tokens":{},)", result.index, result.score,
                        result.token_count);
    if (result.tokens_dropped > 0) {
      text += fmt::format(R"("tokens_dropped":{},)", result.tokens_dropped);
    }
    text += fmt::format(R"("document":{}}})", json_string(documents[result.index]));
  }
  return text + "]}\n";
}

}  // namespace runed::cmd
