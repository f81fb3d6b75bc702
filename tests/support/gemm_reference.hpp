#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "embed/native/gemm/number_format.hpp"
#include "embed/native/isa/kernel.hpp"

// Matrix products by their definition, in double, with the roundings that a number format documents
// and a bound of what f32 may add to them.
namespace runed::test {

inline constexpr embed::native::NumberFormat kFormats[] = {
    embed::native::NumberFormat::f32, embed::native::NumberFormat::bf16,
    embed::native::NumberFormat::int16, embed::native::NumberFormat::int8};

/// Returns how a kernel multiplies weights of a type in a format; null where it does not.
inline const embed::native::Gemm* find_gemm(const embed::native::Kernel& kernel,
                                            embed::native::NumberFormat format,
                                            embed::TensorType type) {
  using embed::TensorType;
  using embed::native::NumberFormat;
  if (format == NumberFormat::f32) return &kernel.f32;
  if (format == NumberFormat::bf16) return kernel.bf16;
  if (format == NumberFormat::int16) return kernel.int16;
  if (kernel.int8 == nullptr) return nullptr;
  if (type == TensorType::q8_0) return &kernel.int8->q8_0;
  if (type == TensorType::q6_k) return &kernel.int8->q6_k;
  if (type == TensorType::q5_k) return &kernel.int8->q5_k;
  if (type == TensorType::q4_k) return &kernel.int8->q4_k;
  return nullptr;
}

/// Numbers as a format rounds them.
struct RoundedRow {
  std::vector<double> values;
  std::vector<double> slack;  // The distance to what rounding the other way would give, where a
      // number is so close to the middle of two that f32 may tell otherwise.
};

/// Rounds to the nearest bfloat16, ties to even. Numbers below the normal ones become zero, as the
/// instructions for bfloat16 take them.
inline double rounded_to_bf16(float value) {
  auto bits = __builtin_bit_cast(uint32_t, value);
  if ((bits & 0x7F800000U) == 0) return 0;
  bits += 0x7FFFU + (bits >> 16 & 1U);
  return static_cast<double>(__builtin_bit_cast(float, bits & 0xFFFF0000U));
}

/// Rounds to integers of at most `most`, in blocks with a scale each.
inline RoundedRow rounded_in_blocks(const float* row, size_t depth, size_t block, float most) {
  RoundedRow rounded;
  for (size_t first = 0; first < depth; first += block) {
    const size_t end = std::min(depth, first + block);
    float greatest = 0;
    for (size_t k = first; k < end; ++k) greatest = std::max(greatest, std::abs(row[k]));
    const auto scale = static_cast<double>(greatest * (1 / most));
    const auto inverse = static_cast<double>(greatest > 0x1p-100F ? most / greatest : 0);
    for (size_t k = first; k < end; ++k) {
      const double exact = static_cast<double>(row[k]) * inverse;
      const double integer = std::nearbyint(exact);
      const bool is_close =
          std::abs(std::abs(exact - integer) - 0.5) < static_cast<double>(most) * 0x1p-23;
      rounded.values.push_back(integer * scale);
      rounded.slack.push_back(is_close ? scale : 0);
    }
  }
  return rounded;
}

/// Rounds a row of inputs, or of weights that are not multiplied as they are stored.
inline RoundedRow rounded(embed::native::NumberFormat format, const float* row, size_t depth) {
  using embed::native::NumberFormat;
  if (format == NumberFormat::int16) return rounded_in_blocks(row, depth, 64, 5792);
  if (format == NumberFormat::int8) return rounded_in_blocks(row, depth, 32, 127);
  RoundedRow rounded{{}, std::vector<double>(depth)};
  for (size_t k = 0; k < depth; ++k) {
    rounded.values.push_back(format == NumberFormat::bf16 ? rounded_to_bf16(row[k])
                                                          : static_cast<double>(row[k]));
  }
  return rounded;
}

/// Rounds a row of weights.
inline RoundedRow rounded_weights(embed::native::NumberFormat format, const float* row,
                                  size_t depth) {
  const bool as_stored = format == embed::native::NumberFormat::int8;
  return rounded(as_stored ? embed::native::NumberFormat::f32 : format, row, depth);
}

struct Expected {
  double value = 0;
  double tolerance = 0;
};

/// Sums the products of two rounded rows. `spread(k)` bounds what weights are differences of.
///
/// Each of the additions rounds a sum of at most `magnitude`; so do the dequantization of the weight,
/// the two scales and their product. A sum in integers is exact, but adds in f32 what a block gives.
/// What underflows is below the least normal number, times the greatest integer.
template <typename Spread>
Expected dot(const RoundedRow& input, const RoundedRow& weights, const Spread& spread) {
  Expected expected;
  double magnitude = 0;
  const size_t depth = input.values.size();
  for (size_t k = 0; k < depth; ++k) {
    const double x = std::abs(input.values[k]);
    const double w = std::abs(weights.values[k]);
    expected.value += input.values[k] * weights.values[k];
    magnitude += x * (w + 2 * spread(k));
    expected.tolerance +=
        input.slack[k] * (w + weights.slack[k] + spread(k)) + weights.slack[k] * x;
  }
  const auto roundings = static_cast<double>(depth + 8);
  expected.tolerance += roundings * (magnitude * 0x1p-24 + 0x1p-126 * 0x1p14);
  return expected;
}

inline Expected dot(const RoundedRow& input, const RoundedRow& weights) {
  return dot(input, weights, [](size_t) { return 0.0; });
}

inline bool is_as(float found, const Expected& expected) {
  return std::abs(static_cast<double>(found) - expected.value) <= expected.tolerance;
}

/// Rows of inputs as a Gemm multiplies them, at an odd address and an odd number of bytes apart, with
/// bytes between them that it must leave alone.
class PreparedInputs {
 public:
  static constexpr std::byte kGuard{0xA5};
  static constexpr size_t kGap = 3;

  /// Shapes: rows [count], `stride` floats apart.
  PreparedInputs(const embed::native::Gemm& gemm, const float* rows, size_t stride, size_t count,
                 size_t depth)
      : row_bytes_(gemm.row_bytes(depth)), bytes_(1 + count * (row_bytes_ + kGap), kGuard) {
    for (size_t row = 0; row < count; ++row) {
      std::byte* to = bytes_.data() + 1 + row * this->stride();
      if (gemm.prepare == nullptr) {
        std::copy_n(reinterpret_cast<const std::byte*>(rows + row * stride), row_bytes_, to);
      } else {
        gemm.prepare(rows + row * stride, depth, to);
      }
    }
  }

  const std::byte* row(size_t index) const { return bytes_.data() + 1 + index * stride(); }
  size_t stride() const { return row_bytes_ + kGap; }
  bool guards_are_intact() const {
    bool intact = bytes_.front() == kGuard;
    for (size_t end = 1 + row_bytes_; end < bytes_.size(); end += stride()) {
      intact = intact && std::all_of(bytes_.data() + end, bytes_.data() + end + kGap,
                                     [](std::byte byte) { return byte == kGuard; });
    }
    return intact;
  }

 private:
  size_t row_bytes_;
  std::vector<std::byte> bytes_;
};

/// A panel at an address that is a multiple of four only, of NaN before anything is packed.
class Panel {
 public:
  static constexpr size_t kMargin = 4;

  Panel(const embed::native::Gemm& gemm, size_t depth)
      : bytes_(gemm.panel_bytes(depth) + 2 * kMargin, std::byte{0xFF}) {}

  std::byte* data() { return bytes_.data() + kMargin; }
  const std::byte* data() const { return bytes_.data() + kMargin; }
  bool operator==(const Panel& other) const { return bytes_ == other.bytes_; }
  bool guards_are_intact() const {
    const auto is_guard = [](std::byte byte) { return byte == std::byte{0xFF}; };
    return std::all_of(bytes_.begin(), bytes_.begin() + kMargin, is_guard) &&
           std::all_of(bytes_.end() - kMargin, bytes_.end(), is_guard);
  }

 private:
  std::vector<std::byte> bytes_;
};

/// What a Gemm writes for the first `count` of some rows.
class Tile {
 public:
  static constexpr float kGuard = -77.0F;

  Tile(const embed::native::Gemm& gemm, const Panel& panel, size_t depth,
       const PreparedInputs& rows, size_t count)
      : values_(count * embed::native::kPanelColumns + 2, kGuard) {
    gemm.multiply(panel.data(), depth, rows.row(0), rows.stride(), count, values_.data() + 1, {});
  }

  float at(size_t row, size_t column) const {
    return values_[1 + row * embed::native::kPanelColumns + column];
  }
  bool guards_are_intact() const { return values_.front() == kGuard && values_.back() == kGuard; }

 private:
  std::vector<float> values_;
};

}  // namespace runed::test
