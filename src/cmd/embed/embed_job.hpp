#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/embedding.hpp"
#include "base/result.hpp"
#include "cmd/embed.hpp"
#include "cmd/embed/embed_input.hpp"
#include "cmd/embed/embed_output.hpp"
#include "cmd/line/location.hpp"
#include "cmd/line/progress.hpp"
#include "cmd/services.hpp"
#include "embed/model/model_facts.hpp"

namespace runed::cmd {

/// One `embed` command, whichever way the vectors are made. Borrows all of it.
struct EmbedJob {
  const EmbedFlags& flags;
  const EmbedOptions& options;
  const Location& location;
  EmbedInput& input;
  EmbedOutput& output;
  Services& services;
};

/// Names the line or argument that an error is about, by its detail `index`.
Error at_place(Error error, const EmbedInput& input);

/// Checks the model against --expect-model.
/// Errors: model_mismatch.
Status check_expected(const EmbedFlags& flags, const std::string& identity);

/// Tells whether a model could have so many; on the wire 0 stands for all.
bool can_be_dimensions(int64_t dimensions);

/// Refuses what --dimensions says where no model has it, with the range of this one. The rest is
/// judged by who embeds.
/// Errors: bad_dimensions.
Status check_dimensions(const EmbedFlags& flags, const std::string& model_name,
                        uint32_t min_dimensions, uint32_t dimensions);

/// What is known of the prompts of a model, whoever told it.
struct KnownPrompts {
  std::optional<Prompt> query{};            // Nothing: none is known.
  std::optional<Prompt> document{};         // Nothing: none is known.
  std::vector<embed::NamedPrompt> named{};  // What can be asked for by name.
  std::string default_name{};               // Of texts of no type; empty: none.
  std::string source;                       // Empty: a daemon that does not tell.
};

/// Says whose results they are, and what is put before the texts. Of texts that nothing is put before
/// though that was asked for, tells so once.
/// Errors: invalid_argument for a prompt's name that the model does not have.
Status set_model(EmbedJob& job, EmbedModel model, const KnownPrompts& prompts, Progress& progress);

/// Shows how many results there are; the input tells how far that is.
class EmbedProgress {
 public:
  explicit EmbedProgress(EmbedJob& job);

  /// Counts one more result.
  void advance();
  Progress& display() { return progress_; }

 private:
  EmbedJob& job_;
  const bool shares_terminal_;  // With the results.
  Progress progress_;
};

}  // namespace runed::cmd
