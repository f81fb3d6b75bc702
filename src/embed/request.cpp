#include "embed/request.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/text.hpp"

namespace runed::embed {
namespace {

// The text is cut, not its frame. If there is no room even for that, its end is what stays.
void truncate(std::vector<TokenId>& ids, Truncate side, uint32_t limit, const Frame& frame) {
  const auto after = static_cast<std::ptrdiff_t>(std::min<size_t>(frame.after.size(), limit));
  const auto before = std::min(static_cast<std::ptrdiff_t>(frame.before.size()), limit - after);
  const auto excess = static_cast<std::ptrdiff_t>(ids.size() - limit);
  const auto first = side == Truncate::left ? ids.begin() + before : ids.end() - after - excess;
  ids.erase(first, first + excess);
}

Error bad_dimensions(const EmbedOptions& options, const ModelInfo& model, uint32_t minimum,
                     std::string message) {
  return Error{ErrorCode::bad_dimensions, std::move(message), {}, {}}
      .with(fact::kDimensions, options.dimensions)
      .with(fact::kMinimum, minimum)
      .with(fact::kMaximum, model.dimension);
}

// A model that was not trained to be cut loses what it says in any part of its vector.
Status check_dimensions(const EmbedOptions& options, const ModelInfo& model) {
  const uint32_t wanted = options.dimensions;
  if (wanted == 0 || wanted == model.dimension) return {};
  const uint32_t minimum = model.spec.min_dimensions.value;
  if (!model.spec.min_dimensions.is_known() || minimum > model.dimension) {
    return bad_dimensions(options, model, model.dimension,
                          fmt::format("cannot give {} dimensions: '{}' has {}, and is not known to "
                                      "have been trained to be cut",
                                      wanted, model.model_name, model.dimension))
        .with_hint(fmt::format("leave the dimensions out, or ask for {}", model.dimension));
  }
  if (wanted >= minimum && wanted <= model.dimension) return {};
  return bad_dimensions(options, model, minimum,
                        fmt::format("cannot give {} dimensions: '{}' has {} to {}", wanted,
                                    model.model_name, minimum, model.dimension));
}

// It is tokenised before each text anew.
constexpr size_t kMostInstructionBytes = 16 << 10;

Status check_instruction(const EmbedOptions& options, const ModelInfo& model) {
  if (options.instruction.empty()) return {};
  if (options.input_type != InputType::query) {
    return make_error(ErrorCode::invalid_argument, "an instruction goes with queries only")
        .with_hint("ask for input type query, or leave the instruction out");
  }
  if (options.instruction.size() > kMostInstructionBytes) {
    return make_error(ErrorCode::invalid_argument, "the instruction has {} bytes, {} are allowed",
                      options.instruction.size(), kMostInstructionBytes)
        .with(fact::kField, "instruction");
  }
  const Fact<Prompts>& prompts = model.spec.prompts;
  if (has_task(prompts.value.query)) return {};
  const bool has_prompt = !prompts.value.query.prefix.empty();
  const char* const why = !prompts.is_known() ? "no prompt is known for its queries"
                          : has_prompt        ? "the prompt for its queries has no task"
                                              : "it takes no prompt with a query";
  return make_error(ErrorCode::invalid_argument, "cannot give '{}' an instruction: {}",
                    model.model_name, why)
      .with_hint("leave the instruction out");
}

std::vector<NamedPrompt> prompts_of(const ModelSpec& spec) {
  return spec.prompts.is_known() ? list_prompts(spec.prompts.value) : std::vector<NamedPrompt>();
}

Status check_prompt_name(const EmbedOptions& options, const ModelInfo& model) {
  if (options.prompt_name.empty()) return {};
  if (options.input_type != InputType::unspecified || !options.instruction.empty()) {
    return make_error(ErrorCode::invalid_argument,
                      "the prompt '{}' goes with neither an input type nor an instruction",
                      printable(options.prompt_name))
        .with_hint("name a prompt, or say what the texts are")
        .with(fact::kField, "prompt_name");
  }
  TRY(find_prompt(options.prompt_name, model.model_name, prompts_of(model.spec)));
  return {};
}

}  // namespace

Result<NamedPrompt> find_prompt(std::string_view name, std::string_view model_name,
                                const std::vector<NamedPrompt>& prompts) {
  const auto found = std::ranges::find(prompts, name, &NamedPrompt::name);
  if (found != prompts.end()) return *found;
  Error error = make_error(ErrorCode::invalid_argument, "'{}' has no prompt named '{}'", model_name,
                           printable(name))
                    .with(fact::kField, "prompt_name");
  if (prompts.empty()) {
    return std::move(error).with_hint("no prompt is known of this model: leave the name out");
  }
  std::vector<std::string> names;
  for (const NamedPrompt& prompt : prompts) names.push_back(prompt.name);
  const auto nearest = find_nearest(name, names);
  return std::move(error).with_hint(
      fmt::format("{}there are: {}", nearest ? fmt::format("did you mean '{}'? ", *nearest) : "",
                  fmt::join(names, ", ")));
}

Status check_options(const EmbedOptions& options, const ModelInfo& model) {
  if (model.spec.head == Head::rank) {
    return make_error(ErrorCode::wrong_model_kind,
                      "'{}' is a reranker: it gives scores of pairs of texts, and no vectors",
                      model.model_name)
        .with_hint("'runed rerank' scores texts with it; for vectors name an embedding model");
  }
  TRY(check_dimensions(options, model));
  TRY(check_prompt_name(options, model));
  return check_instruction(options, model);
}

std::string prompt_for(const EmbedOptions& options, const ModelSpec& spec) {
  if (!options.prompt_name.empty()) {
    for (NamedPrompt& prompt : prompts_of(spec)) {
      if (prompt.name == options.prompt_name) return std::move(prompt.text);
    }
    return {};  // Which the options were refused for.
  }
  switch (options.input_type) {
    case InputType::query:
      return fill_prompt(spec.prompts.value.query, options.instruction);
    case InputType::document:
      return fill_prompt(spec.prompts.value.document, {});
    case InputType::unspecified:
      break;
  }
  const NamedPrompt* prompt = find_named(spec.prompts.value, spec.prompts.value.default_name);
  return prompt == nullptr ? std::string() : prompt->text;
}

std::string apply_prompt(std::string_view text, const EmbedOptions& options,
                         const ModelSpec& spec) {
  return prompt_for(options, spec).append(text);
}

Result<std::string_view> bound_text(std::string_view text, const EmbedOptions& options,
                                    const ModelInfo& model) {
  if (model.max_text_bytes == 0 || text.size() <= model.max_text_bytes) return text;
  const auto is_inside = [&](size_t at) { return (text[at] & 0xC0) == 0x80; };  // Of a character.
  if (options.truncate == Truncate::right) {
    size_t end = model.max_text_bytes;
    while (end > 0 && is_inside(end)) --end;
    return text.substr(0, end);
  }
  if (options.truncate == Truncate::left) {
    size_t begin = text.size() - model.max_text_bytes;
    while (begin < text.size() && is_inside(begin)) ++begin;
    return text.substr(begin);
  }
  const size_t tokens = text.size() * model.max_tokens / model.max_text_bytes;
  return make_error(ErrorCode::text_too_long,
                    "the text has {} bytes, which are {} tokens or more; the model takes {}",
                    text.size(), tokens, model.max_tokens)
      .with_hint("split the text, or ask for truncation ('--truncate right')")
      .with(fact::kTokens, tokens)
      .with(fact::kLimit, model.max_tokens)
      .with(fact::kBytes, text.size());
}

Result<PreparedText> prepare_text(std::string_view text, const EmbedOptions& options,
                                  const ModelSpec& spec, const Tokenizer& tokenizer,
                                  uint32_t max_tokens) {
  if (text.empty()) return make_error(ErrorCode::empty_text, "the text is empty");
  PreparedText prepared;
  TRY_ASSIGN(prepared.ids, tokenizer.tokenize(apply_prompt(text, options, spec)));
  const size_t tokens = prepared.ids.size();
  // Where nothing frames a text: its vector would be that of nothing, which has no direction.
  if (tokens == 0) {
    return make_error(ErrorCode::empty_text, "the text has no tokens, and so no vector");
  }
  if (tokens <= max_tokens) return prepared;
  if (options.truncate == Truncate::error) {
    return make_error(ErrorCode::text_too_long, "the text has {} tokens, the model takes {}",
                      tokens, max_tokens)
        .with_hint("split the text, or ask for truncation ('--truncate right')")
        .with(fact::kTokens, tokens)
        .with(fact::kLimit, max_tokens);
  }
  prepared.tokens_dropped = static_cast<uint32_t>(tokens - max_tokens);
  truncate(prepared.ids, options.truncate, max_tokens, spec.frame);
  return prepared;
}

Result<std::vector<Embedding>> embed_pass(Engine& engine,
                                          std::span<const PreparedText* const> texts,
                                          const std::function<bool()>* is_wanted) {
  std::vector<TokenId> ids;
  std::vector<uint32_t> offsets{0};
  std::vector<uint32_t> seconds;
  for (const PreparedText* text : texts) {
    ids.insert(ids.end(), text->ids.begin(), text->ids.end());
    offsets.push_back(static_cast<uint32_t>(ids.size()));
    seconds.push_back(text->second);
  }
  const size_t dimension = engine.info().dimension;
  std::vector<float> vectors(texts.size() * dimension);
  std::vector<float> norms(texts.size());
  if (engine.info().spec.head == Head::rank) {
    TRY(engine.score({ids, offsets, is_wanted, seconds}, vectors));
  } else {
    TRY(engine.embed({ids, offsets, is_wanted}, {vectors, norms}));
  }

  std::vector<Embedding> embeddings(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto row = vectors.begin() + static_cast<std::ptrdiff_t>(i * dimension);
    embeddings[i].vector.assign(row, row + static_cast<std::ptrdiff_t>(dimension));
    embeddings[i].norm = norms[i];
    embeddings[i].token_count = static_cast<uint32_t>(texts[i]->ids.size());
    embeddings[i].tokens_dropped = texts[i]->tokens_dropped;
  }
  return embeddings;
}

Result<std::vector<Embedding>> embed_all(Engine& engine, std::span<const PreparedText> texts) {
  std::vector<Embedding> embeddings;
  embeddings.reserve(texts.size());
  std::vector<const PreparedText*> pass;
  size_t pass_tokens = 0;
  const auto flush = [&]() -> Status {
    TRY_ASSIGN(auto done, embed_pass(engine, pass));
    std::ranges::move(done, std::back_inserter(embeddings));
    pass.clear();
    pass_tokens = 0;
    return {};
  };
  for (const PreparedText& text : texts) {
    if (!pass.empty() && pass_tokens + text.ids.size() > engine.batch_tokens()) TRY(flush());
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
