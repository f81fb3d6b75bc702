#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedding.hpp"
#include "base/result.hpp"
#include "embed/engine.hpp"

namespace runed::embed {

/// A text that is ready for a forward pass.
struct PreparedText {
  std::vector<TokenId> ids;     // EOS included.
  uint32_t tokens_dropped = 0;  // By truncation.
  uint32_t second = 0;  // Of a pair with special tokens between its texts: where the second begins.
};

/// Checks the options against what is known of the model.
/// Errors: wrong_model_kind for a reranker; bad_dimensions for a cut that the model is not known to bear; invalid_argument for an
///         instruction without a query, of more than 16 KiB, or for a model whose prompt has no
///         task, and for a prompt's name that the model does not have, or beside a type or a task.
Status check_options(const EmbedOptions& options, const ModelInfo& model);

/// Finds a prompt by its name among those of a model.
/// Errors: invalid_argument with those that there are, the nearest first.
Result<NamedPrompt> find_prompt(std::string_view name, std::string_view model_name,
                                const std::vector<NamedPrompt>& prompts);

/// Cuts or refuses, as the options say, a text that has more tokens than the model takes by its bytes
/// alone, before it costs a tokenizer's time and memory. What is left has still too many tokens.
/// Errors: text_too_long (details: tokens, at least; limit; bytes).
Result<std::string_view> bound_text(std::string_view text, const EmbedOptions& options,
                                    const ModelInfo& model);

/// Applies the model's prompt and tokenises; longer texts are cut or refused as the options say,
/// within the tokens that frame every text.
/// Errors: empty_text; text_too_long (details: tokens, limit); not_utf8.
Result<PreparedText> prepare_text(std::string_view text, const EmbedOptions& options,
                                  const ModelSpec& spec, const Tokenizer& tokenizer,
                                  uint32_t max_tokens);

/// Returns what the model is given before a text: the prompt that is named, or that is known of it for
/// queries or for documents; of a text of no type, the one that its file says is the default; else
/// nothing.
std::string prompt_for(const EmbedOptions& options, const ModelSpec& spec);

/// Returns the exact text that the model is given.
std::string apply_prompt(std::string_view text, const EmbedOptions& options, const ModelSpec& spec);

/// Embeds several prepared texts, or, with a reranker, scores several pairs (Embedding::vector), in one forward pass of `engine`, for as long as they are wanted
/// (null: to the end; see PackedBatch).
/// Errors: those of Engine::embed and score.
Result<std::vector<Embedding>> embed_pass(Engine& engine,
                                          std::span<const PreparedText* const> texts,
                                          const std::function<bool()>* is_wanted = nullptr);

/// The same of any number, in passes of at most `batch_tokens` tokens.
/// Errors: those of Engine::embed.
Result<std::vector<Embedding>> embed_all(Engine& engine, std::span<const PreparedText> texts);

/// Cuts a vector to its first `dimensions` floats and makes it unit length again (Matryoshka).
/// Errors: not_finite if a value is not, or nothing is left to scale.
Status cut_dimensions(std::vector<float>& vector, uint32_t dimensions);

}  // namespace runed::embed
