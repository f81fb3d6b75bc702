#include "embed/request.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace runed::embed {
namespace {

// EOS is appended by the tokenizer, so it is the last id, and it must stay the last one.
void truncate(std::vector<TokenId>& ids, Truncate side, uint32_t limit) {
  const auto excess = static_cast<std::ptrdiff_t>(ids.size() - limit);
  if (side == Truncate::left) {
    ids.erase(ids.begin(), ids.begin() + excess);
  } else {
    ids.erase(ids.end() - 1 - excess, ids.end() - 1);
  }
}

}  // namespace

Status check_options(const EmbedOptions& options, const ModelInfo& model) {
  if (options.dimensions != 0 &&
      (options.dimensions < kMinDimensions || options.dimensions > model.dimension)) {
    return make_error(ErrorCode::bad_dimensions, "cannot give {} dimensions: '{}' has {} to {}",
                      options.dimensions, model.model_name, kMinDimensions, model.dimension)
        .with_detail("dimensions", std::to_string(options.dimensions))
        .with_detail("minimum", std::to_string(kMinDimensions))
        .with_detail("maximum", std::to_string(model.dimension));
  }
  if (!options.instruction.empty() && options.input_type != InputType::query) {
    return make_error(ErrorCode::invalid_argument, "an instruction goes with queries only")
        .with_hint("ask for input type query, or leave the instruction out");
  }
  return {};
}

std::string apply_prompt(std::string_view text, const EmbedOptions& options) {
  if (options.input_type != InputType::query) return std::string(text);
  const std::string_view task =
      options.instruction.empty() ? kDefaultTask : std::string_view(options.instruction);
  return fmt::format("Instruct: {}\nQuery:{}", task, text);
}

Result<PreparedText> prepare_text(std::string_view text, const EmbedOptions& options,
                                  const Tokenizer& tokenizer, uint32_t max_tokens) {
  if (text.empty()) return make_error(ErrorCode::empty_text, "the text is empty");
  PreparedText prepared;
  TRY_ASSIGN(prepared.ids, tokenizer.tokenize(apply_prompt(text, options)));
  const size_t tokens = prepared.ids.size();
  if (tokens <= max_tokens) return prepared;
  if (options.truncate == Truncate::error) {
    return make_error(ErrorCode::text_too_long, "the text has {} tokens, the model takes {}",
                      tokens, max_tokens)
        .with_hint("split the text, or ask for truncation")
        .with_detail("tokens", std::to_string(tokens))
        .with_detail("limit", std::to_string(max_tokens));
  }
  prepared.tokens_dropped = static_cast<uint32_t>(tokens - max_tokens);
  truncate(prepared.ids, options.truncate, max_tokens);
  return prepared;
}

Result<std::vector<Embedding>> embed_pass(Embedder& embedder,
                                          std::span<const PreparedText* const> texts) {
  std::vector<TokenId> ids;
  std::vector<uint32_t> offsets{0};
  for (const PreparedText* text : texts) {
    ids.insert(ids.end(), text->ids.begin(), text->ids.end());
    offsets.push_back(static_cast<uint32_t>(ids.size()));
  }
  const size_t dimension = embedder.info().dimension;
  std::vector<float> vectors(texts.size() * dimension);
  TRY(embedder.embed({ids, offsets}, vectors));

  std::vector<Embedding> embeddings(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto row = vectors.begin() + static_cast<std::ptrdiff_t>(i * dimension);
    embeddings[i].vector.assign(row, row + static_cast<std::ptrdiff_t>(dimension));
    embeddings[i].token_count = static_cast<uint32_t>(texts[i]->ids.size());
    embeddings[i].tokens_dropped = texts[i]->tokens_dropped;
  }
  return embeddings;
}

Result<std::vector<Embedding>> embed_all(Embedder& embedder, std::span<const PreparedText> texts) {
  std::vector<Embedding> embeddings;
  embeddings.reserve(texts.size());
  std::vector<const PreparedText*> pass;
  size_t pass_tokens = 0;
  const auto flush = [&]() -> Status {
    TRY_ASSIGN(auto done, embed_pass(embedder, pass));
    std::ranges::move(done, std::back_inserter(embeddings));
    pass.clear();
    pass_tokens = 0;
    return {};
  };
  for (const PreparedText& text : texts) {
    if (!pass.empty() && pass_tokens + text.ids.size() > embedder.batch_tokens()) TRY(flush());
    pass.push_back(&text);
    pass_tokens += text.ids.size();
  }
  if (!pass.empty()) TRY(flush());
  return embeddings;
}

Status cut_dimensions(std::vector<float>& vector, uint32_t dimensions) {
  if (dimensions == 0 || dimensions == vector.size()) return {};
  vector.resize(dimensions);
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  const double length = std::sqrt(squares);
  if (!std::isfinite(length) || length <= 0) {
    return make_error(ErrorCode::not_finite, "the vector's first {} floats cannot be normalised",
                      dimensions);
  }
  for (float& value : vector) value = static_cast<float>(value / length);
  return {};
}

}  // namespace runed::embed
