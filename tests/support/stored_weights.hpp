#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

#include "embed/model/float_formats.hpp"
#include "embed/model/tensor_type.hpp"
#include "embed/native/isa/kernel.hpp"

namespace runed::test {

/// What the numbers of a weight matrix are like.
enum class Numbers {
  ordinary,
  extreme,  // Rows of tiny, zero, negative or great scales, with integers at both of their ends.
};

inline constexpr embed::TensorType kAllTypes[] = {
    embed::TensorType::f32,  embed::TensorType::f16,  embed::TensorType::bf16,
    embed::TensorType::q8_0, embed::TensorType::q6_k, embed::TensorType::q5_k,
    embed::TensorType::q4_k, embed::TensorType::q5_1, embed::TensorType::q5_0,
    embed::TensorType::q4_1, embed::TensorType::q4_0, embed::TensorType::iq4_nl};

/// A weight matrix of random numbers as a file stores it, at an odd address, and what the portable
/// kernel (which dequantize_test.cpp checks by hand) makes of it.
class StoredWeights {
 public:
  using TensorType = embed::TensorType;

  /// Needs: depth a multiple of the type's block.
  StoredWeights(TensorType type, size_t rows, size_t depth, Numbers numbers = Numbers::ordinary)
      : type_(type), rows_(rows), depth_(depth), numbers_(numbers), bytes_(1) {
    const size_t block = embed::block_layout(type).block_elements;
    for (size_t row = 0; row < rows; ++row) {
      for (size_t k = 0; k < depth; k += block) append_block(row);
    }
    row_bytes_ = rows == 0 ? 0 : (bytes_.size() - 1) / rows;
    read_back();
  }

  /// Returns `count` rows, from `first` on.
  embed::native::StoredRows stored(size_t first, size_t count) const {
    return {type_, bytes_.data() + 1 + first * row_bytes_, row_bytes_, count};
  }
  TensorType type() const { return type_; }
  size_t row_bytes() const { return row_bytes_; }
  float at(size_t row, size_t k) const { return values_[row * depth_ + k]; }
  const float* row(size_t index) const { return values_.data() + index * depth_; }

  /// The bytes of one row, to be spoiled. `read_back` tells what they are then.
  std::byte* bytes(size_t row) { return bytes_.data() + 1 + row * row_bytes_; }
  void read_back() {
    values_.resize(rows_ * depth_ + 1);  // Not null, even if nothing is read there.
    for (size_t row = 0; row < rows_; ++row) {
      embed::native::kPortableKernel.dequantize(type_, stored(row, 1).first, depth_,
                                                values_.data() + row * depth_);
    }
  }

  /// Returns a bound of what is taken off each number of an element's block: some types count from a
  /// minimum, so a sum of theirs may be small for the sums that it is the difference of.
  double most_minimum(size_t row, size_t k) const {
    const bool has_six_bits = type_ == TensorType::q5_k || type_ == TensorType::q4_k;
    if (!has_six_bits && type_ != TensorType::q5_1 && type_ != TensorType::q4_1) return 0;
    const embed::BlockLayout layout = embed::block_layout(type_);
    const std::byte* block = stored(row, 1).first + k / layout.block_elements * layout.block_bytes;
    const auto minimum = static_cast<double>(embed::f16_to_float(embed::load<uint16_t>(block + 2)));
    return (has_six_bits ? 63 : 1) * std::abs(minimum);
  }

 private:
  static uint32_t random_bits() {
    static std::mt19937 generator(20);
    return static_cast<uint32_t>(generator());
  }

  void append(std::initializer_list<uint32_t> bytes) {
    for (const uint32_t byte : bytes) bytes_.push_back(static_cast<std::byte>(byte));
  }

  void append_u16(uint32_t bits) { append({bits & 0xFF, bits >> 8 & 0xFF}); }

  // A half-precision number: near 2^-8 of either sign, or of the row's kind.
  void append_f16(size_t row) {
    static constexpr uint32_t kKinds[] = {0x0001, 0x83FF, 0x0000, 0x8400, 0xC123, 0x7BFF, 0x8000};
    if (numbers_ == Numbers::extreme) return append_u16(kKinds[row % std::size(kKinds)]);
    const uint32_t bits = random_bits();
    append_u16((bits & 0x8000) | (5 + (bits >> 16) % 4) << 10 | (bits & 0x03FF));
  }

  void append_integers(size_t count) {
    static constexpr uint32_t kEnds[] = {0x00, 0xFF, 0x80, 0x7F};
    for (size_t i = 0; i < count; ++i) {
      const uint32_t bits = random_bits() >> 8;
      append({numbers_ == Numbers::extreme ? kEnds[bits % 4] : bits & 0xFF});
    }
  }

  // The scales and minimums of Q4_K and Q5_K: six bits each, all of them set in extreme numbers.
  void append_six_bits(size_t row) {
    append_f16(row);
    append_f16(row + 1);
    for (size_t i = 0; i < 12; ++i) {
      append({numbers_ == Numbers::extreme ? 0xFF : random_bits() >> 8 & 0xFF});
    }
  }

  void append_f32(size_t row) {
    static constexpr float kKinds[] = {1e-40F, -0.0F, 0x1p-101F, -1e4F, 1.0F};
    const float kind = numbers_ == Numbers::extreme ? kKinds[row % std::size(kKinds)] : 1;
    const float value = kind * (static_cast<float>(random_bits() >> 8) * 0x1p-23F - 1);
    const auto bits = __builtin_bit_cast(uint32_t, value);
    append_u16(bits & 0xFFFF);
    append_u16(bits >> 16);
  }

  void append_block(size_t row) {
    switch (type_) {
      case TensorType::f32:
        return append_f32(row);
      case TensorType::f16:
        return append_f16(row);
      case TensorType::bf16:
        append_f32(row);
        bytes_.erase(bytes_.end() - 4, bytes_.end() - 2);
        return;
      case TensorType::q8_0:
        append_f16(row);
        return append_integers(32);
      case TensorType::q5_1:
        append_f16(row);
        append_f16(row + 1);
        return append_integers(4 + 16);
      case TensorType::q4_1:
        append_f16(row);
        append_f16(row + 1);
        return append_integers(16);
      case TensorType::q5_0:
        append_f16(row);
        return append_integers(4 + 16);
      case TensorType::q4_0:
      case TensorType::iq4_nl:
        append_f16(row);
        return append_integers(16);
      case TensorType::q6_k:
        append_integers(128 + 64 + 16);
        return append_f16(row);
      case TensorType::q5_k:
        append_six_bits(row);
        return append_integers(32 + 128);
      case TensorType::q4_k:
        append_six_bits(row);
        return append_integers(128);
    }
  }

  TensorType type_;
  size_t rows_;
  size_t depth_;
  Numbers numbers_;
  std::vector<std::byte> bytes_;
  size_t row_bytes_ = 0;
  std::vector<float> values_;
};

}  // namespace runed::test
