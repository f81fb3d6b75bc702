#pragma once

#include <string>
#include <string_view>

namespace runed::embed {

/// Returns the short identity that replies carry: `sha256:` and 16 hex digits. Vectors of models
/// with different identities must never be compared.
std::string model_identity(std::string_view model_sha256);

}  // namespace runed::embed
