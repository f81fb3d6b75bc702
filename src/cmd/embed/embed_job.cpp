#include "cmd/embed/embed_job.hpp"

#include <limits>
#include <utility>

#include "embed/request.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kDoing = "embedding";

// What the user calls the texts.
std::string kind_of(const EmbedOptions& options) {
  if (!options.prompt_name.empty()) return fmt::format("texts for '{}'", options.prompt_name);
  return options.input_type == InputType::query ? "queries" : "documents";
}

// What is put before the texts; nothing: none is known.
Result<std::optional<std::string>> find_text(const EmbedOptions& options,
                                             const std::string& model_name,
                                             const KnownPrompts& prompts) {
  if (options.input_type == InputType::query) {
    if (!prompts.query.has_value()) return std::nullopt;
    return embed::fill_prompt(*prompts.query, options.instruction);
  }
  if (options.input_type == InputType::document) {
    if (!prompts.document.has_value()) return std::nullopt;
    return embed::fill_prompt(*prompts.document, {});
  }
  const std::string& name =
      options.prompt_name.empty() ? prompts.default_name : options.prompt_name;
  if (name.empty()) return std::nullopt;
  TRY_ASSIGN(auto prompt, embed::find_prompt(name, model_name, prompts.named));
  return std::move(prompt.text);
}

}  // namespace

Error at_place(Error error, const EmbedInput& input) {
  const auto* const index = error.facts.find(fact::kIndex);
  if (index == nullptr) return error;
  const uint64_t number = *index;
  error.facts.set(Fact<uint64_t>{input.has_lines() ? "line" : "text"}, number + 1);
  if (error.code == ErrorCode::text_too_long && error.facts.has(fact::kTokens)) {
    error.hint = "split the text, or cut it with --truncate right";
  }
  return std::move(error).in(input.place(number));
}

Status check_expected(const EmbedFlags& flags, const std::string& identity) {
  if (!flags.expect_model.has_value() || *flags.expect_model == identity) return {};
  return make_error(ErrorCode::model_mismatch, "the model is '{}', not '{}'", identity,
                    *flags.expect_model)
      .with_hint(
          "vectors of different models must not be mixed; embed everything again, or serve "
          "the model that is expected")
      .with(Fact<std::string>{"model_identity"}, identity);
}

bool can_be_dimensions(int64_t dimensions) {
  return dimensions > 0 && dimensions <= std::numeric_limits<uint32_t>::max();
}

Status check_dimensions(const EmbedFlags& flags, const std::string& model_name,
                        uint32_t min_dimensions, uint32_t dimensions) {
  if (!flags.dimensions.has_value() || can_be_dimensions(*flags.dimensions)) return {};
  const bool is_cuttable = min_dimensions > 0 && min_dimensions < dimensions;
  return make_error(ErrorCode::bad_dimensions, "cannot give {} dimensions: '{}' has {}",
                    *flags.dimensions, model_name,
                    is_cuttable ? fmt::format("{} to {}", min_dimensions, dimensions)
                                : std::to_string(dimensions))
      .with(fact::kDimensions, *flags.dimensions)
      .with(fact::kMinimum, is_cuttable ? min_dimensions : dimensions)
      .with(fact::kMaximum, dimensions);
}

Status set_model(EmbedJob& job, EmbedModel model, const KnownPrompts& prompts, Progress& progress) {
  const EmbedOptions& options = job.options;
  TRY_ASSIGN(const std::optional<std::string> prompt, find_text(options, model.name, prompts));
  model.prompt = prompt.value_or("");
  if (!model.prompt.empty()) model.prompt_source = prompts.source;
  const bool is_asked =
      options.input_type != InputType::unspecified || !options.prompt_name.empty();
  // An instruction is an error then.
  if (is_asked && model.prompt.empty() && options.instruction.empty() && !prompts.source.empty()) {
    const std::string texts = kind_of(options);
    progress.note(fmt::format(
        "note: {}, so they are embedded as they are",
        prompt.has_value() ? fmt::format("'{}' takes no prompt with {}", model.name, texts)
                           : fmt::format("no prompt is known for {} of '{}'", texts, model.name)));
  }
  job.output.set_model(std::move(model));
  return {};
}

EmbedProgress::EmbedProgress(EmbedJob& job)
    : job_(job),
      shares_terminal_(job.services.err_is_terminal && os::is_terminal(os::kStdout)),
      progress_(job.services.err, display_of(job.services, job.flags.json), job.services.clock) {}

void EmbedProgress::advance() {
  const auto position = job_.input.finish_one();
  if (shares_terminal_) return;  // A bar among the results would spoil both.
  progress_.update_texts(kDoing, job_.output.count(), position.done, position.total);
}

}  // namespace runed::cmd
