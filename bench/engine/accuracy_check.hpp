#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine_setup.hpp"

namespace runed::bench {

using Vector = std::vector<float>;  // Of unit length.
using Vectors = std::vector<Vector>;

/// How far vectors are from others of the same texts.
struct Agreement {
  double mean = 1;   // Cosine.
  double least = 1;  // Of any text.
};

/// Needs: as many of either.
Agreement compare(const Vectors& found, const Vectors& expected);

/// What must hold of a mode, as cosines.
struct Limits {
  double to_f32_mean = 0;   // To the vectors in f32 of the same file.
  double to_f32_least = 0;  // The same of the worst text.
};

inline constexpr double kLeastBetweenBatches = 0.9999;
inline constexpr double kLeastBetweenThreads = 0.99999;

/// Returns the limits of a mode; `heavy` is a model of which a few channels are 20 to 50 times the
/// others.
Limits limits_of(const std::string& compute, bool heavy);

/// What was found of a mode.
struct Accuracy {
  Mode mode;
  Agreement to_f32;   // Each text alone, in this mode and in f32.
  Agreement batched;  // All texts in one pass, to each alone.
  Agreement threads;  // With 2 and with 7 threads, to 1.
  Vectors alone;

  bool keeps(const Limits& limits) const;
};

/// Embeds each text in a pass of its own.
Vectors embed_alone(embed::Engine& engine, std::span<const embed::PreparedText> texts);

/// Embeds all texts in one pass, however long that is.
Vectors embed_together(embed::Engine& engine, std::span<const embed::PreparedText> texts);

/// Compares a mode with `f32`, and with itself in batches and on other threads.
/// Shapes: f32 [texts.size()]
Accuracy measure_accuracy(const Model& model, const Mode& mode, uint32_t threads,
                          std::span<const embed::PreparedText> texts, const Vectors& f32);

}  // namespace runed::bench
