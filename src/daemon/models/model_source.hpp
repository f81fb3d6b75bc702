#pragma once

#include <string>
#include <vector>

#include "bootstrap/use/ready_model.hpp"
#include "embed/model/model_file.hpp"
#include "embed/model/model_recognition.hpp"

namespace runed::daemon {

/// Where a model's bytes are.
embed::ModelSource source_of(const bootstrap::ReadyModel& model);

/// The SHA-256 of its file, the one in the executable too.
std::string sha256_of(const bootstrap::ReadyModel& model);

/// What the manifest says, as the engines take it.
std::vector<embed::PublishedFacts> published_facts(const bootstrap::ReadyModel& model);

}  // namespace runed::daemon
