#pragma once

#include <cstddef>
#include <cstdint>

#include "embed/native/isa/vectors.hpp"

namespace runed::embed::native {

/// The row-wise functions of a Kernel, for one instruction set. Plain loops are left to the
/// compiler's vectoriser; sums and maxima, whose order it may not change, use vectors explicitly.
template <typename Isa>
struct VectorMath {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  static constexpr size_t kLanes = sizeof(Floats) / sizeof(float);

  static void rms_norm(const float* in, const float* weight, size_t width, float epsilon,
                       float* out) {
    Floats squares[2] = {};  // An addition takes several cycles, so one sum would wait for itself.
    size_t i = 0;
    for (; i + 2 * kLanes <= width; i += 2 * kLanes) {
      const Floats first = V::load_floats(in + i);
      const Floats second = V::load_floats(in + i + kLanes);
      squares[0] += first * first;
      squares[1] += second * second;
    }
    for (; i < width; i += kLanes) {
      const Floats values = V::load_some(in + i, width - i);
      squares[0] += values * values;
    }
    const float mean = V::sum_of(squares[0] + squares[1]) / static_cast<float>(width);
    const float scale = 1 / __builtin_sqrtf(mean + epsilon);
    for (i = 0; i < width; i += kLanes) {
      const Floats values = V::load_some(in + i, width - i) * scale;
      V::store_some(out + i, values * V::load_some(weight + i, width - i), width - i);
    }
  }

  // In two readings: the variance as a mean of squares of what is off the mean keeps its precision
  // where the mean is large.
  static void layer_norm(const float* in, const float* weight, const float* bias, size_t width,
                         float epsilon, float* out) {
    const auto count = static_cast<float>(width);
    const float mean = sum_of_each(in, width, [](Floats value) { return value; }) / count;
    const float variance =
        sum_of_each(in, width, [&](Floats value) { return (value - mean) * (value - mean); }) /
        count;
    const float scale = 1 / __builtin_sqrtf(variance + epsilon);
    for (size_t i = 0; i < width; i += kLanes) {
      const Floats values = (V::load_some(in + i, width - i) - mean) * scale;
      Floats normed = values * V::load_some(weight + i, width - i);
      if (bias != nullptr) normed += V::load_some(bias + i, width - i);
      V::store_some(out + i, normed, width - i);
    }
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
      const Floats x = V::load_some(gate + i, count - i);
      const Floats gated = x / (1 + exponential(-x)) * V::load_some(up + i, count - i);
      V::store_some(out + i, gated, count - i);
    }
  }

  static void geglu(const float* gate, const float* up, size_t count, float* out) {
    for (size_t i = 0; i < count; i += kLanes) {
      const Floats x = V::load_some(gate + i, count - i);
      V::store_some(out + i, x * normal_share(x) * V::load_some(up + i, count - i), count - i);
    }
  }

  // (1 + tanh(y)) / 2 is the logistic function of 2 y.
  // Source: Hendrycks and Gimpel, Gaussian Error Linear Units (arXiv:1606.08415), section 2.
  static void geglu_tanh(const float* gate, const float* up, size_t count, float* out) {
    constexpr float kTwiceRootOfTwoByPi = 1.5957691216f;
    for (size_t i = 0; i < count; i += kLanes) {
      const Floats x = V::load_some(gate + i, count - i);
      const Floats y = kTwiceRootOfTwoByPi * (x + 0.044715f * x * x * x);
      const Floats gated = x / (1 + exponential(-y)) * V::load_some(up + i, count - i);
      V::store_some(out + i, gated, count - i);
    }
  }

  static void gelu(const float* in, size_t count, float* out) {
    for (size_t i = 0; i < count; i += kLanes) {
      const Floats x = V::load_some(in + i, count - i);
      V::store_some(out + i, x * normal_share(x), count - i);
    }
  }

  static float softmax_step(float* scores, size_t count, float& maximum, float& sum) {
    const float before = maximum;
    maximum = maximum_of(scores, count, before);
    Floats sums{};
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      const Floats weights = exponential(V::load_floats(scores + i) - maximum);
      V::store(scores + i, weights);
      sums += weights;
    }
    if (i < count) {
      const Floats weights = exponential(V::load_some(scores + i, count - i) - maximum);
      V::store_some(scores + i, weights, count - i);
      sums += V::load_some(scores + i, count - i);
    }
    const float factor = exponential(Floats{} + (before - maximum))[0];
    sum = sum * factor + V::sum_of(sums);
    return factor;
  }

  static void scale(const float* in, float factor, size_t count, float* out) {
    for (size_t i = 0; i < count; i += kLanes) {
      V::store_some(out + i, V::load_some(in + i, count - i) * factor, count - i);
    }
  }

  static void scale_and_add(float* out, float factor, const float* addend, size_t count) {
    for (size_t i = 0; i < count; ++i) out[i] = out[i] * factor + addend[i];
  }

  /// Returns e^x.
  // e^x = 2^n e^r with |r| <= ln(2) / 2, e^r by its Taylor polynomial of degree 6, whose error
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

 private:
  using V = Vectors<Isa>;

  // The sum of what `of` makes of each number.
  template <typename Of>
  RUNED_ALWAYS_INLINE static float sum_of_each(const float* in, size_t width, const Of& of) {
    Floats sums[2] = {};
    size_t i = 0;
    for (; i + 2 * kLanes <= width; i += 2 * kLanes) {
      sums[0] += of(V::load_floats(in + i));
      sums[1] += of(V::load_floats(in + i + kLanes));
    }
    float rest = 0;
    for (; i + kLanes <= width; i += kLanes) sums[0] += of(V::load_floats(in + i));
    for (; i < width; ++i) rest += of(Floats{} + in[i])[0];
    return V::sum_of(sums[0] + sums[1]) + rest;
  }

  // The share of a normal distribution below x: (1 + erf(x / sqrt(2))) / 2, where 1 - erf(z) is a
  // polynomial of 1 / (1 + 0.3275911 z) times exp(-z^2), with an error below 1.5e-7.
  // Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
  RUNED_ALWAYS_INLINE static Floats normal_share(Floats x) {
    const Floats z = magnitude(x) * 0.70710678f;
    const Floats t = 1 / (1 + 0.3275911f * z);
    Floats rest = t * 1.061405429f - 1.453152027f;
    rest = rest * t + 1.421413741f;
    rest = rest * t - 0.284496736f;
    rest = rest * t + 0.254829592f;
    const Floats above = rest * t * exponential(-(z * z)) * 0.5f;
    return x < 0 ? above : 1 - above;
  }

  RUNED_ALWAYS_INLINE static Floats magnitude(Floats x) {
    return __builtin_bit_cast(Floats, __builtin_bit_cast(Ints, x) & 0x7FFFFFFF);
  }

  RUNED_ALWAYS_INLINE static float maximum_of(const float* values, size_t count, float floor) {
    Floats maxima = Floats{} + floor;
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      maxima = V::maximum(V::load_floats(values + i), maxima);
    }
    float maximum = V::greatest_of(maxima);
    for (; i < count; ++i) maximum = values[i] > maximum ? values[i] : maximum;
    return maximum;
  }
};

}  // namespace runed::embed::native
