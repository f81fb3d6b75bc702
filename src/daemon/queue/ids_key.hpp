#pragma once

#include <span>
#include <string_view>

#include "embed/engine.hpp"

namespace runed::daemon {

/// Returns the bytes of token ids, as a key that borrows them: two texts are the same to a model if
/// all of their ids are.
inline std::string_view ids_key(std::span<const embed::TokenId> ids) {
  return {reinterpret_cast<const char*>(ids.data()), ids.size_bytes()};
}

}  // namespace runed::daemon
