#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace runed::daemon {

/// Bounds of one set, far above what clients send. The version comes back with every vector of a
/// batch, so its bound is part of max_batch_size.
inline constexpr uint32_t kMostCentroids = 65'536;
inline constexpr size_t kMostCentroidFloats = size_t{64} << 20;  // 256 MiB.
inline constexpr size_t kMostVersionBytes = 128;
inline constexpr size_t kMostPresetBytes = size_t{64} << 10;

/// What a set is made of, as it was received: nothing in it was checked.
struct CentroidContent {
  struct Ragged {
    uint32_t row = 0;
    uint64_t length = 0;  // Floats.
  };

  std::string version;           // `sha256:` and the digest, or any tag where `preset` is empty.
  std::string preset;            // Part of the digest; empty: no digest is checked.
  uint32_t dim = 0;              // Floats of a centroid, as the header says.
  uint32_t count = 0;            // Centroids.
  std::vector<float> floats;     // [count, dim] row-major, unless a row is ragged.
  std::optional<Ragged> ragged;  // The first row that has not `dim` floats.
};

/// Returns the version that stands for these centroids: `sha256:` and 64 hex digits over dim, count,
/// preset, a zero byte and the floats, all little-endian.
/// Shapes: content.floats [count, dim].
std::string centroid_version(const CentroidContent& content);

/// The centroids that vectors are assigned to. Immutable; any thread.
class CentroidSet {
 public:
  /// Checks, in the predecessor's order: emptiness, dimension, rows, digest. `embedding_dim` is the
  /// model's; while it is not known any is taken. Bounds are for whoever collects the content.
  /// Needs:  content.floats [count, dim] unless a row is ragged.
  /// Errors: invalid_argument, in the predecessor's words.
  static Result<CentroidSet> make(CentroidContent content, std::optional<uint32_t> embedding_dim);

  const std::string& version() const { return content_.version; }
  const std::string& preset() const { return content_.preset; }
  uint32_t dim() const { return content_.dim; }
  uint32_t count() const { return content_.count; }
  std::span<const float> floats() const { return content_.floats; }  // [count, dim]

  /// Finds the centroid with the greatest inner product: the first of equals. One whose product is
  /// not a number is never it; if all are so, 0.
  /// Shapes: vector [dim].
  /// Within: the naive sum's rounding in f64; equal rows have equal products.
  uint32_t assign(std::span<const float> vector) const;

 private:
  explicit CentroidSet(CentroidContent content) : content_(std::move(content)) {}

  CentroidContent content_;
};

}  // namespace runed::daemon
