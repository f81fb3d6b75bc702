#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "bootstrap/ready_model.hpp"
#include "bootstrap/settings.hpp"
#include "embed/embedder.hpp"

namespace runed::daemon {

/// Makes the engine that serves a model, not yet started.
/// Errors: bad_config for an engine that this build does not have, or a kernel that this machine
///         does not have.
Result<std::unique_ptr<embed::Embedder>> make_embedder(const bootstrap::ReadyModel& model,
                                                       const bootstrap::Settings& settings,
                                                       const Clock& clock);

/// Refuses settings that make_embedder would refuse, before anything is fetched for them.
/// Errors: bad_config.
Status check_engine(const bootstrap::Settings& settings);

/// The tokenizer of a model, and whose it is. Its file needs no tensors.
struct Vocabulary {
  std::string model_name;
  std::string model_sha256;
  std::shared_ptr<const embed::Tokenizer> tokenizer;
};

/// Loads the tokenizer of a model.
/// Errors: those of the model file.
Result<Vocabulary> load_vocabulary(const bootstrap::ReadyModel& model);

}  // namespace runed::daemon
