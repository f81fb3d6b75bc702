#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "embed/engine.hpp"

namespace runed::embed {

/// One finding of the self-test, for one line of `runed verify --deep`.
struct SelfTestCheck {
  std::string name;  // `finite`, `unit_norm`, `batch_invariance`, `distinct`, `published_scores`.
  bool passed = false;
  std::string detail;  // What was measured: `worst cosine 0.9999998 of 17`.
};

/// Embeds a few fixed texts, alone and in batches, and judges the vectors of any model: finite, of
/// unit length, the same alone as in a batch, and not the same for every text. Qwen3-Embedding-0.6B
/// must give its published scores too. Once a vector is not finite, that is the only finding.
/// Needs:  an engine that no other thread is using.
/// Errors: cancelled once `is_cancelled`, asked between passes, says so; unavailable if the engine
///         is not started; those of Engine::embed but not_finite.
Result<std::vector<SelfTestCheck>> run_self_test(Engine& engine,
                                                 const std::function<bool()>& is_cancelled = {});

}  // namespace runed::embed
