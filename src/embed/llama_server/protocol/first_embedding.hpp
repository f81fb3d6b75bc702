#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/engine.hpp"

namespace runed::embed::llama_server {

/// What every server is asked before it counts as ready.
inline constexpr std::string_view kFirstText = "The first text that this engine embeds.";

/// Starts another engine and embeds the first text with it. Empty if that cannot serve the model.
/// Shapes: [dimension] f32, of unit length.
std::vector<float> first_embedding_of(Engine& reference);

/// Compares what a server answered with what the other engine did. Other arithmetic makes a small
/// difference; another pooling, a text without its end, or a back end that computes nonsense on
/// this GPU, which nothing else would report, make a large one.
/// Errors: engine_fault.
Status compare_first_embedding(const std::vector<float>& answered,
                               const std::vector<float>& expected);

}  // namespace runed::embed::llama_server
