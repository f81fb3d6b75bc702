#pragma once

#include <vector>

#include "bootstrap/manifest/manifest.hpp"
#include "embed/model/model_recognition.hpp"

namespace runed::bootstrap {

/// Returns what a manifest says of models, as whoever recognises one takes it.
std::vector<embed::PublishedFacts> to_facts(const std::vector<PublishedModel>& models);

}  // namespace runed::bootstrap
