#pragma once

#include <string>

#include "model_shape.hpp"
#include "random_weights.hpp"

namespace runed::bench {

/// Prints how far the stored numbers are from the weights, as runed reads them.
/// Errors: model_corrupt if that is more than the type should cost.
Status check_numbers(const std::string& path, const RandomWeights& weights,
                     const std::vector<TensorPlan>& tensors);

/// Prints how alike the vectors of a few texts are to each other and, if `other` is not empty, to
/// those of that model.
/// Errors: model_corrupt if two texts can hardly be told apart; what the engine gives.
Status check_vectors(const std::string& path, const std::string& other);

}  // namespace runed::bench
