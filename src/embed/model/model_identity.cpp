#include "embed/model/model_identity.hpp"

#include <fmt/format.h>

namespace runed::embed {

std::string model_identity(std::string_view model_sha256) {
  return fmt::format("sha256:{}", model_sha256.substr(0, 16));
}

}  // namespace runed::embed
