#include "cmd/embed_job.hpp"

#include "os/process.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kDoing = "embedding";

}  // namespace

Error at_place(Error error, const EmbedInput& input) {
  const auto index = error.details.find("index");
  if (index == error.details.end()) return error;
  const std::string place = input.place(std::stoul(index->second));
  if (error.code == ErrorCode::text_too_long && error.details.contains("tokens")) {
    error.message = fmt::format("{} has {} tokens, the model takes {}", place,
                                error.details["tokens"], error.details["limit"]);
    error.hint = "split the text, or cut it with --truncate right";
  } else {
    error.message = fmt::format("{}: {}", place, error.message);
  }
  return error;
}

Status check_expected(const EmbedFlags& flags, const std::string& identity) {
  if (!flags.expect_model.has_value() || *flags.expect_model == identity) return {};
  return make_error(ErrorCode::model_mismatch, "the model is '{}', not '{}'", identity,
                    *flags.expect_model)
      .with_hint(
          "vectors of different models must not be mixed; embed everything again, or serve "
          "the model that is expected")
      .with_detail("model_identity", identity);
}

EmbedProgress::EmbedProgress(EmbedJob& job)
    : job_(job),
      shares_terminal_(job.services.err_is_terminal && os::is_terminal(os::kStdout)),
      progress_(job.services.err, display_of(job.services), job.services.clock) {}

void EmbedProgress::advance() {
  const auto position = job_.input.finish_one();
  if (shares_terminal_) return;  // A bar among the results would spoil both.
  progress_.update_texts(kDoing, job_.output.count(), position.done, position.total);
}

}  // namespace runed::cmd
