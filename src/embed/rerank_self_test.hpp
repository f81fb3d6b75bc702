#pragma once

#include <functional>
#include <vector>

#include "base/result.hpp"
#include "embed/engine.hpp"
#include "embed/self_test.hpp"

namespace runed::embed {

/// The self-test of a reranker: the scores of a few fixed pairs are finite, the same alone as together,
/// and not the same for every document. Once a score is not finite, that is the only finding.
/// Needs:  a model of Head::rank, and an engine that no other thread is using.
/// Errors: as run_self_test.
Result<std::vector<SelfTestCheck>> run_rerank_self_test(
    Engine& engine, const std::function<bool()>& is_cancelled = {});

}  // namespace runed::embed
