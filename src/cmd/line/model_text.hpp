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

/// Returns `"query: " for queries, "passage: " for documents (of a model that runed knows)`, with the names
/// of others; empty if the daemon does not tell.
std::string describe_prompts(const client::InfoReport& info);

/// Tells whether a model gives scores of pairs, and no vectors.
bool is_reranker(const client::InfoReport& info);

/// Returns `64 to 256 dimensions, 512 tokens a text`, or of a reranker `scores of pairs of texts, 512
/// tokens a pair`, and who says so where that is not the number of
/// positions.
std::string describe_limits(const client::InfoReport& info);

/// Returns what a state of Health means for a model: `loaded`, `not loaded`.
std::string describe_state(const std::string& state);

/// A prompt in JSON; null if none is known.
Json prompt_json(const std::optional<Prompt>& prompt);

/// The names of prompts in JSON, or null if there are none.
Json prompt_names_json(const std::vector<client::NamedPrompt>& prompts);

/// What is told of models in JSON, an object each.
Json models_json(const std::vector<client::ModelReport>& models);

}  // namespace runed::cmd
