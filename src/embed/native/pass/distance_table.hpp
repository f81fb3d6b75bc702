#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "embed/native/isa/kernel.hpp"

namespace runed::embed::native {

/// What is added to the score of a key by how far the query is behind it. Immutable.
class DistanceTable {
 public:
  /// Nothing, for keys up to `window` tokens away to each side; others are not seen.
  static DistanceTable of_window(size_t window);

  /// One of the addends of T5's buckets, half of which are for keys behind the query. Distances from
  /// half of those on share buckets that widen, up to one for all from kFarthest on.
  /// Shapes: addends [an even number].
  /// Source: Raffel et al., Exploring the Limits of Transfer Learning with a Unified Text-to-Text
  ///         Transformer (arXiv:1910.10683), section 2.1; transformers, modeling_mpnet.py,
  ///         relative_position_bucket.
  static DistanceTable of_buckets(std::span<const float> addends);
  static constexpr size_t kFarthest = 128;

  /// Returns what a kernel reads of it, for as long as this lives.
  ByDistance view() const;

  /// Returns the addend of a query `distance` tokens behind the key.
  float at(ptrdiff_t distance) const;

 private:
  template <typename Of>
  DistanceTable(size_t reach, bool sees_beyond, const Of& addend_of);

  size_t reach_;
  bool sees_beyond_;
  std::vector<float> addends_;  // From ByDistance::kPadding before the outermost on.
};

}  // namespace runed::embed::native
