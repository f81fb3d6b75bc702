#pragma once

#include <cstdint>

#include "embed/model/model_facts.hpp"

namespace runed::embed {

/// What a reranker makes of the states of a pair of texts: a state, a dense layer, a norm, then the
/// outputs, and of those one score.
struct RankHead {
  /// What is done to each number of the dense layer.
  enum class Activation { tanh, gelu };

  enum class Score {
    logit,     // The output, of which there is one.
    log_odds,  // The first of two outputs less the second: of "yes" against "no".
  };

  /// How two texts become one.
  enum class Pair {
    framed,  // Between special tokens, as Frame has them.
    prompt,  // In the prompt of Qwen3-Reranker, which a task is part of.
  };

  Pooling pooling = Pooling::cls;  // Whose state it reads: cls, mean or last.
  bool has_dense = false;
  Activation activation = Activation::tanh;
  bool has_norm = false;  // Of what the dense layer gives.
  Score score = Score::logit;
  Pair pair = Pair::framed;

  uint32_t outputs() const { return score == Score::log_odds ? 2 : 1; }

  bool operator==(const RankHead&) const = default;
};

}  // namespace runed::embed
