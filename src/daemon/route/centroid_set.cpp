#include "daemon/route/centroid_set.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

namespace runed::daemon {
namespace {

static_assert(std::endian::native == std::endian::little, "floats are hashed as they are");

// Sixteen sums in four vectors: enough under way to hide the latency of one addition. Longer vectors
// GCC 12 takes apart in memory. The products of f32 are exact in f64, so every CPU gets the same sums,
// whether it fuses multiply and add or not.
constexpr size_t kLanes = 4;
constexpr size_t kSums = 4;
using Floats [[gnu::vector_size(kLanes * sizeof(float))]] = float;
using Doubles [[gnu::vector_size(kLanes * sizeof(double))]] = double;

[[gnu::always_inline]] inline void multiply_add(const float* row, const double* vector,
                                                Doubles& sums) {
  Floats left;
  Doubles right;
  std::memcpy(&left, row, sizeof left);
  std::memcpy(&right, vector, sizeof right);
  sums += __builtin_convertvector(left, Doubles) * right;
}

[[gnu::always_inline]] inline double inner_product(const float* row, const double* vector,
                                                   size_t dim) {
  Doubles first{};
  Doubles second{};
  Doubles third{};
  Doubles fourth{};
  size_t i = 0;
  for (; i + kSums * kLanes <= dim; i += kSums * kLanes) {
    multiply_add(row + i, vector + i, first);
    multiply_add(row + i + kLanes, vector + i + kLanes, second);
    multiply_add(row + i + 2 * kLanes, vector + i + 2 * kLanes, third);
    multiply_add(row + i + 3 * kLanes, vector + i + 3 * kLanes, fourth);
  }
  first += second;
  third += fourth;
  first += third;
  double sum = (first[0] + first[1]) + (first[2] + first[3]);
  for (; i < dim; ++i) sum += static_cast<double>(row[i]) * vector[i];
  return sum;
}

[[gnu::always_inline]] inline uint32_t nearest_row(const CentroidContent& content,
                                                   const double* vector) {
  double best = 0;
  bool found = false;
  uint32_t nearest = 0;
  const float* row = content.floats.data();
  for (uint32_t id = 0; id < content.count; ++id, row += content.dim) {
    const double product = inner_product(row, vector, content.dim);
    if (found ? product > best : product == product) {  // Not so if it is not a number.
      best = product;
      found = true;
      nearest = id;
    }
  }
  return nearest;
}

// The vectors above become whatever registers the CPU has.
#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] uint32_t nearest_row_avx2(const CentroidContent& content,
                                                      const double* vector) {
  return nearest_row(content, vector);
}
#endif

Error invalid(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message), {}, {}};
}

}  // namespace

std::string centroid_version(const CentroidContent& content) {
  const std::array<uint32_t, 2> shape{content.dim, content.count};
  Sha256 hash;
  hash.update(std::as_bytes(std::span(shape)));
  hash.update(std::as_bytes(std::span(content.preset.c_str(), content.preset.size() + 1)));
  hash.update(std::as_bytes(std::span(content.floats)));
  return "sha256:" + hash.finish();
}

Result<CentroidSet> CentroidSet::make(CentroidContent content,
                                      std::optional<uint32_t> embedding_dim) {
  if (content.version.empty() || content.count == 0) {
    return invalid("route: centroid set is empty");
  }
  if (embedding_dim.has_value() && content.dim != *embedding_dim) {
    return invalid(fmt::format("route: centroid dim {} does not match embedding dim {}",
                               content.dim, *embedding_dim));
  }
  if (content.dim == 0) return invalid("route: centroid dim 0 does not match any embedding");
  if (content.ragged.has_value()) {
    return invalid(fmt::format("route: centroid {} has dim {}, want {}", content.ragged->row,
                               content.ragged->length, content.dim));
  }
  CHECK(content.floats.size() == size_t{content.count} * content.dim);
  const auto bad = std::ranges::find_if(content.floats, [](float v) { return !std::isfinite(v); });
  if (bad != content.floats.end()) {
    return invalid(fmt::format("route: centroid {} has a value that is not finite",
                               (bad - content.floats.begin()) / content.dim));
  }
  if (!content.preset.empty()) {
    const std::string computed = centroid_version(content);
    if (computed != content.version) {
      return invalid(
          fmt::format("route: centroid content does not match its version tag ({}, not '{}')",
                      computed, printable(content.version, kMostVersionBytes)));
    }
  }
  return CentroidSet(std::move(content));
}

uint32_t CentroidSet::assign(std::span<const float> vector) const {
  CHECK(vector.size() == content_.dim);
  const std::vector<double> wide(vector.begin(), vector.end());  // Converted once, not once a row.
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (has_avx2) return nearest_row_avx2(content_, wide.data());
#endif
  return nearest_row(content_, wide.data());
}

}  // namespace runed::daemon
