#pragma once

#include <string>
#include <vector>

#include "bootstrap/ready_model.hpp"
#include "embed/model_recognition.hpp"
#include "embed/native/model_file.hpp"

namespace runed::daemon {

/// Where a model's bytes are.
embed::native::ModelSource source_of(const bootstrap::ReadyModel& model);

/// The SHA-256 of its file, the one in the executable too.
std::string sha256_of(const bootstrap::ReadyModel& model);

/// What the manifest says, as the engines take it.
std::vector<embed::PublishedFacts> published_facts(const bootstrap::ReadyModel& model);

}  // namespace runed::daemon
