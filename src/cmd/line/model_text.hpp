#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "base/embedding.hpp"
#include "base/json_fwd.hpp"
#include "client/reports.hpp"

namespace runed::cmd {

/// Returns `native, f32, avx512`, or `llama-server b11669, q8_0`.
std::string describe_engine(const std::string& engine, const std::string& version,
                            std::initializer_list<std::string> details);

/// Returns who says something of a model: `by the manifest`.
std::string describe_source(const std::string& source);

/// Returns `"query: " for queries, "passage: " for documents (of a model that runed knows)`; empty if the
/// daemon does not tell.
std::string describe_prompts(const std::optional<Prompt>& query,
                             const std::optional<Prompt>& document, const std::string& source);

/// Returns `64 to 256 dimensions, 512 tokens a text`.
std::string describe_limits(int32_t min_dimensions, int32_t dimensions, int32_t max_tokens);

/// Returns what a state of Health means for a model: `loaded`, `not loaded`.
std::string describe_state(const std::string& state);

/// A prompt in JSON; null if none is known.
Json prompt_json(const std::optional<Prompt>& prompt);

/// What is told of models in JSON, an object each.
Json models_json(const std::vector<client::ModelReport>& models);

}  // namespace runed::cmd
