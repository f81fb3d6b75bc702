#include "cmd/embed/embed_job.hpp"

#include <limits>
#include <utility>

#include "embed/model/model_facts.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kDoing = "embedding";

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

void set_model(EmbedJob& job, EmbedModel model, const KnownPrompts& prompts, Progress& progress) {
  if (job.options.input_type == InputType::query) {
    if (prompts.query.has_value()) {
      model.prompt = embed::fill_prompt(*prompts.query, job.options.instruction);
      model.prompt_source = prompts.source;
    }
    // An instruction is an error then.
    if (model.prompt.empty() && job.options.instruction.empty() && !prompts.source.empty()) {
      progress.note(fmt::format("note: {}, so they are embedded as they are",
                                prompts.query.has_value()
                                    ? fmt::format("'{}' takes no prompt with queries", model.name)
                                    : fmt::format("no prompt is known for queries of '{}'",
                                                  model.name)));
    }
  }
  job.output.set_model(std::move(model));
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
