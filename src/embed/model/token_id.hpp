#pragma once

#include <cstdint>

namespace runed::embed {

/// The number of a token in the vocabulary of its model.
using TokenId = uint32_t;

}  // namespace runed::embed
