#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedding.hpp"
#include "base/result.hpp"
#include "embed/embedder.hpp"

namespace runed::embed {

/// The task that Qwen3-Embedding was published with.
/// Source: Qwen3-Embedding model card, config_sentence_transformers.json, prompt "query".
inline constexpr std::string_view kDefaultTask =
    "Given a web search query, retrieve relevant passages that answer the query";

inline constexpr uint32_t kMinDimensions =
    32;  // Source: Qwen3-Embedding model card, "MRL support".

/// A text that is ready for a forward pass.
struct PreparedText {
  std::vector<TokenId> ids;     // EOS included.
  uint32_t tokens_dropped = 0;  // By truncation.
};

/// Checks the options against the model.
/// Errors: bad_dimensions; invalid_argument for an instruction without a query.
Status check_options(const EmbedOptions& options, const ModelInfo& model);

/// Applies the prompt format and tokenises; longer texts are cut or refused as the options say,
/// with EOS kept last.
/// Errors: empty_text; text_too_long (details: tokens, limit); not_utf8.
Result<PreparedText> prepare_text(std::string_view text, const EmbedOptions& options,
                                  const Tokenizer& tokenizer, uint32_t max_tokens);

/// Returns the exact text that the model is given: `Instruct: {task}\nQuery:{query}` for a query.
std::string apply_prompt(std::string_view text, const EmbedOptions& options);

/// Embeds several prepared texts in one forward pass of `embedder`.
/// Errors: those of Embedder::embed.
Result<std::vector<Embedding>> embed_pass(Embedder& embedder,
                                          std::span<const PreparedText* const> texts);

/// Embeds any number of prepared texts, in passes of at most `batch_tokens` tokens.
/// Errors: those of Embedder::embed.
Result<std::vector<Embedding>> embed_all(Embedder& embedder, std::span<const PreparedText> texts);

/// Cuts a vector to its first `dimensions` floats and makes it unit length again (Matryoshka).
/// Errors: not_finite if a value is not, or nothing is left to scale.
Status cut_dimensions(std::vector<float>& vector, uint32_t dimensions);

}  // namespace runed::embed
