#pragma once

#include "base/result.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/model/tensor_type.hpp"

namespace runed::embed::native {

/// Tells whether the forward pass computes such a model right: an architecture that there is a row for,
/// whose parts are all among those that the pass has.
/// Errors: model_unsupported naming the key, the value found and the one that is computed.
Status check_supported(const ModelSpec& spec);

/// Tells whether the kernels read numbers that are stored so.
bool is_supported(TensorType type);

}  // namespace runed::embed::native
