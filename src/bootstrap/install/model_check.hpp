#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/manifest/manifest.hpp"

namespace runed::bootstrap {

/// Tells whether an engine could make right vectors of a model: whether its file, what is `published`
/// of this digest, or the table of known models says all that has to be known. Reads the header alone.
/// A file that is no model at all is not judged: it is what somebody promised.
/// Errors: model_unsupported naming the keys that were looked for, as embed::recognise_model.
Status check_recognised(const std::string& path, const std::string& sha256,
                        const std::vector<PublishedModel>& published);

}  // namespace runed::bootstrap
