#pragma once

#include <cstddef>
#include <cstdint>

#include "embed/native/float_formats.hpp"

namespace runed::embed::native {

/// The row-wise functions of a Kernel, for one instruction set. Plain loops are left to the
/// compiler's vectoriser; sums and maxima, whose order it may not change, use vectors explicitly.
template <typename Isa>
struct VectorMath {
  using Floats = typename Isa::Floats;
  static constexpr size_t kLanes = sizeof(Floats) / sizeof(float);

  static void rms_norm(const float* in, const float* weight, size_t width, float epsilon,
                       float* out) {
    Floats squares{};
    for (size_t i = 0; i < width; i += kLanes) {
      const Floats values = load_floats(in + i, lanes_left(width - i));
      squares += values * values;
    }
    const float mean = sum_of(squares) / static_cast<float>(width);
    const float scale = 1 / __builtin_sqrtf(mean + epsilon);
    for (size_t i = 0; i < width; ++i) out[i] = in[i] * scale * weight[i];
  }

  static void rotate(float* head, const float* cosines, const float* sines, size_t half) {
    for (size_t i = 0; i < half; ++i) {
      const float x = head[i];
      const float y = head[half + i];
      head[i] = x * cosines[i] - y * sines[i];
      head[half + i] = y * cosines[i] + x * sines[i];
    }
  }

  static void swiglu(const float* gate, const float* up, size_t count, float* out) {
    for (size_t i = 0; i < count; i += kLanes) {
      const size_t lanes = lanes_left(count - i);
      const Floats x = load_floats(gate + i, lanes);
      store_floats(out + i, x / (1 + exponential(-x)) * load_floats(up + i, lanes), lanes);
    }
  }

  static float soften(float* scores, size_t count, float& maximum, float& sum) {
    const float before = maximum;
    maximum = maximum_of(scores, count, before);
    Floats sums{};
    for (size_t i = 0; i < count; i += kLanes) {
      const size_t lanes = lanes_left(count - i);
      store_floats(scores + i, exponential(load_floats(scores + i, lanes) - maximum), lanes);
      sums += load_floats(scores + i, lanes);
    }
    const float factor = exponential(Floats{} + (before - maximum))[0];
    sum = sum * factor + sum_of(sums);
    return factor;
  }

  static void scale_and_add(float* out, float factor, const float* addend, size_t count) {
    for (size_t i = 0; i < count; ++i) out[i] = out[i] * factor + addend[i];
  }

 private:
  using Ints = typename Isa::Ints;

  RUNED_ALWAYS_INLINE static size_t lanes_left(size_t count) {
    return count < kLanes ? count : kLanes;
  }

  // Lanes past `lanes` are zero.
  RUNED_ALWAYS_INLINE static Floats load_floats(const float* from, size_t lanes) {
    Floats value{};
    if (lanes == kLanes) {
      __builtin_memcpy(&value, from, sizeof value);
    } else {
      __builtin_memcpy(&value, from, lanes * sizeof(float));
    }
    return value;
  }

  RUNED_ALWAYS_INLINE static void store_floats(float* to, Floats value, size_t lanes) {
    if (lanes == kLanes) {
      __builtin_memcpy(to, &value, sizeof value);
    } else {
      __builtin_memcpy(to, &value, lanes * sizeof(float));
    }
  }

  RUNED_ALWAYS_INLINE static float sum_of(Floats values) {
    float sum = 0;
    for (size_t lane = 0; lane < kLanes; ++lane) sum += values[lane];
    return sum;
  }

  // exp(x) = 2^n e^r with |r| <= ln(2) / 2, e^r by its Taylor polynomial of degree 6, whose error
  // is below 2e-7 there. Clamped where the result leaves the normal floats; NaN stays NaN.
  // Source: Cody and Waite, Software Manual for the Elementary Functions, chapter 6 (the split of
  // ln(2) into a short and a long part).
  RUNED_ALWAYS_INLINE static Floats exponential(Floats x) {
    constexpr float kRound = 0x1.8p23f;  // Adding it leaves the nearest integer in the low bits.
    constexpr float kLog2e = 1.44269504f;
    constexpr float kLn2High = 0.693359375f;
    constexpr float kLn2Low = -2.12194440e-4f;
    const Floats low = Floats{} - 87.0f;
    const Floats high = Floats{} + 88.0f;
    x = x < low ? low : x;
    x = x > high ? high : x;
    const Floats shifted = x * kLog2e + kRound;
    const Floats n = shifted - kRound;
    const Floats r = x - n * kLn2High - n * kLn2Low;
    Floats power = r * (1.0f / 720) + 1.0f / 120;
    power = power * r + 1.0f / 24;
    power = power * r + 1.0f / 6;
    power = power * r + 0.5f;
    power = power * r + 1.0f;
    power = power * r + 1.0f;
    const Ints exponent = (__builtin_bit_cast(Ints, shifted) + 127) << 23;
    return power * __builtin_bit_cast(Floats, exponent);
  }

  static float maximum_of(const float* values, size_t count, float floor) {
    Floats maxima = Floats{} + floor;
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      const Floats next = load_floats(values + i, kLanes);
      maxima = next > maxima ? next : maxima;
    }
    float maximum = floor;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      maximum = maxima[lane] > maximum ? maxima[lane] : maximum;
    }
    for (; i < count; ++i) maximum = values[i] > maximum ? values[i] : maximum;
    return maximum;
  }
};

}  // namespace runed::embed::native
