#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/embedding.hpp"

namespace runed::cmd {

/// Whose scores they are, and of what.
struct Ranking {
  std::string model_name;
  std::string model_identity;
  std::string engine;
  std::string query;
  ScoreScale scale = ScoreScale::unit;
  std::vector<RankedDocument> results;  // The best first.
};

/// Writes a line for each result: its score, a tab, the document.
std::string to_lines(const Ranking& ranking, std::span<const std::string> documents);

/// Writes the document {model, model_identity, engine, query, scale, results: [{index, score, tokens,
/// document}]} as a line.
std::string to_document(const Ranking& ranking, std::span<const std::string> documents);

}  // namespace runed::cmd
