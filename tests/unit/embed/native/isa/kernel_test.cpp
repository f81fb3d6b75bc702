#include "embed/native/isa/kernel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "embed/native/isa/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/random_floats.hpp"

using runed::embed::native::available_kernels;
using runed::embed::native::Kernel;
using runed::embed::native::kLeastScore;
using runed::test::random_floats;

namespace {

constexpr size_t kLengths[] = {0, 1, 3, 4, 5, 15, 16, 17, 31, 33, 64, 65, 100};
constexpr float kGuard = -77.0F;

void check_close(float found, double expected) {
  CHECK(std::abs(static_cast<double>(found) - expected) <= 2e-6 * (1 + std::abs(expected)));
}

}  // namespace

TEST_CASE("the RMS norm agrees with its definition") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t width : kLengths) {
      INFO("kernel " << kernel->name << ", width " << width);
      const std::vector<float> in = random_floats(width + 1, 3);
      const std::vector<float> weight = random_floats(width + 1);
      std::vector<float> out(width + 2, kGuard);
      kernel->rms_norm(in.data() + 1, weight.data() + 1, width, 1e-6F, out.data() + 1);
      double squares = 0;
      for (size_t i = 0; i < width; ++i) squares += std::pow(static_cast<double>(in[i + 1]), 2);
      for (size_t i = 0; i < width; ++i) {
        const double scale = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-6);
        check_close(out[i + 1],
                    static_cast<double>(in[i + 1]) * scale * static_cast<double>(weight[i + 1]));
      }
      CHECK(out.back() == kGuard);
    }
  }
}

TEST_CASE("the layer norm agrees with its definition, with a bias and without, far from zero too") {
  constexpr double kEpsilon = 1e-5;
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t width : kLengths) {
      for (const float offset : {0.0F, 50.0F}) {
        INFO("kernel " << kernel->name << ", width " << width << ", offset " << offset);
        std::vector<float> in = random_floats(width + 1, 3);
        for (float& value : in) value += offset;
        const std::vector<float> weight = random_floats(width + 1);
        const std::vector<float> bias = random_floats(width + 1);
        double mean = 0;
        double squares = 0;
        const auto count = static_cast<double>(width);
        for (size_t i = 0; i < width; ++i) mean += static_cast<double>(in[i + 1]) / count;
        for (size_t i = 0; i < width; ++i) {
          squares += std::pow(static_cast<double>(in[i + 1]) - mean, 2) / count;
        }
        for (const bool has_bias : {false, true}) {
          std::vector<float> out(width + 2, kGuard);
          kernel->layer_norm(in.data() + 1, weight.data() + 1, has_bias ? bias.data() + 1 : nullptr,
                             width, static_cast<float>(kEpsilon), out.data() + 1);
          for (size_t i = 0; i < width; ++i) {
            const double factor =
                static_cast<double>(weight[i + 1]) / std::sqrt(squares + kEpsilon);
            const double normed = (static_cast<double>(in[i + 1]) - mean) * factor;
            const double expected = normed + (has_bias ? static_cast<double>(bias[i + 1]) : 0);
            const double of_mean = 1.2e-7 * static_cast<double>(offset);  // It is rounded itself.
            CHECK(std::abs(static_cast<double>(out[i + 1]) - expected) <=
                  2e-6 * (1 + std::abs(expected)) + of_mean * std::abs(factor));
          }
          CHECK(out.back() == kGuard);
        }
      }
    }
  }
}

TEST_CASE("GELU agrees with its definition, far out too") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t count : kLengths) {
      INFO("kernel " << kernel->name << ", count " << count);
      const std::vector<float> in = random_floats(count + 1, count % 2 == 0 ? 4 : 200);
      std::vector<float> out(count + 2, kGuard);
      kernel->gelu(in.data() + 1, count, out.data() + 1);
      for (size_t i = 0; i < count; ++i) {
        const double x = static_cast<double>(in[i + 1]);
        CHECK(std::abs(static_cast<double>(out[i + 1]) - x * std::erfc(-x / std::sqrt(2.0)) / 2) <=
              1e-6 * (1 + std::abs(x)));
      }
      CHECK(out.back() == kGuard);
    }
  }
}

TEST_CASE("a head is rotated pair by pair, half a head apart") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t half : kLengths) {
      INFO("kernel " << kernel->name << ", half " << half);
      const std::vector<float> head = random_floats(2 * half + 1);
      const std::vector<float> angles = random_floats(half, 3);
      std::vector<float> cosines(half + 1);
      std::vector<float> sines(half + 1);
      for (size_t i = 0; i < half; ++i) {
        cosines[i + 1] = std::cos(angles[i]);
        sines[i + 1] = std::sin(angles[i]);
      }
      std::vector<float> out = head;
      kernel->rotate(out.data() + 1, cosines.data() + 1, sines.data() + 1, half);
      for (size_t i = 0; i < half; ++i) {
        const double angle = static_cast<double>(angles[i]);
        const double x = static_cast<double>(head[i + 1]);
        const double y = static_cast<double>(head[half + i + 1]);
        check_close(out[i + 1], x * std::cos(angle) - y * std::sin(angle));
        check_close(out[half + i + 1], y * std::cos(angle) + x * std::sin(angle));
      }
    }
  }
}

TEST_CASE("SwiGLU agrees with its definition, far out too") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t count : kLengths) {
      INFO("kernel " << kernel->name << ", count " << count);
      const std::vector<float> gate = random_floats(count + 1, count % 2 == 0 ? 4 : 200);
      const std::vector<float> up = random_floats(count + 1);
      std::vector<float> out(count + 2, kGuard);
      kernel->swiglu(gate.data() + 1, up.data() + 1, count, out.data() + 1);
      for (size_t i = 0; i < count; ++i) {
        const double x = static_cast<double>(gate[i + 1]);
        check_close(out[i + 1], x / (1 + std::exp(-x)) * static_cast<double>(up[i + 1]));
      }
      CHECK(out.back() == kGuard);
    }
  }
}

TEST_CASE("a gate is activated and multiplies, as GELU or as its approximation") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t count : kLengths) {
      INFO("kernel " << kernel->name << ", count " << count);
      const std::vector<float> gate = random_floats(count + 1, count % 2 == 0 ? 4 : 200);
      const std::vector<float> up = random_floats(count + 1);
      std::vector<float> exact(count + 2, kGuard);
      std::vector<float> by_tanh(count + 2, kGuard);
      kernel->geglu(gate.data() + 1, up.data() + 1, count, exact.data() + 1);
      kernel->geglu_tanh(gate.data() + 1, up.data() + 1, count, by_tanh.data() + 1);
      for (size_t i = 0; i < count; ++i) {
        const double x = static_cast<double>(gate[i + 1]);
        const double factor = static_cast<double>(up[i + 1]);
        CHECK(std::abs(static_cast<double>(exact[i + 1]) -
                       x * std::erfc(-x / std::sqrt(2.0)) / 2 * factor) <= 1e-6 * (1 + std::abs(x)));
        const double angle = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
        CHECK(std::abs(static_cast<double>(by_tanh[i + 1]) -
                       x * (1 + std::tanh(angle)) / 2 * factor) <= 1e-6 * (1 + std::abs(x)));
      }
      CHECK(exact.back() == kGuard);
      CHECK(by_tanh.back() == kGuard);
    }
  }
}

TEST_CASE("softmax in two calls equals softmax in one") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t count : kLengths) {
      INFO("kernel " << kernel->name << ", count " << count);
      const std::vector<float> scores = random_floats(count + 8, 30);
      std::vector<float> weights = scores;
      float maximum = kLeastScore;
      float total = 0;
      kernel->softmax_step(weights.data(), 7, maximum, total);
      const float factor = kernel->softmax_step(weights.data() + 7, count + 1, maximum, total);
      double sum = 0;
      for (const float score : scores) {
        sum += std::exp(static_cast<double>(score) - static_cast<double>(maximum));
      }
      CHECK(static_cast<double>(total) == Approx(sum).epsilon(1e-5));
      for (size_t i = 0; i < scores.size(); ++i) {
        const float weight = i < 7 ? weights[i] * factor : weights[i];
        const double expected =
            std::exp(static_cast<double>(scores[i]) - static_cast<double>(maximum));
        check_close(weight, expected);
      }
    }
  }
}

TEST_CASE("what is not a number stays visible") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Kernel* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    std::vector<float> scores{0.0F, nan, 1.0F};
    float maximum = kLeastScore;
    float sum = 0;
    kernel->softmax_step(scores.data(), scores.size(), maximum, sum);
    CHECK(std::isnan(sum));
    const float gate = nan;
    const float up = 1;
    float out = 0;
    kernel->swiglu(&gate, &up, 1, &out);
    CHECK(std::isnan(out));
    kernel->gelu(&nan, 1, &out);
    CHECK(std::isnan(out));
    kernel->geglu(&gate, &up, 1, &out);
    CHECK(std::isnan(out));
    kernel->geglu_tanh(&gate, &up, 1, &out);
    CHECK(std::isnan(out));
    const std::vector<float> row{0.0F, nan, 1.0F};
    std::vector<float> normed(row.size());
    kernel->layer_norm(row.data(), row.data(), nullptr, row.size(), 1e-6F, normed.data());
    CHECK(std::isnan(normed[0]));
  }
}

TEST_CASE("scaling and adding writes over the output") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t count : kLengths) {
      INFO("kernel " << kernel->name << ", count " << count);
      const std::vector<float> before = random_floats(count + 2);
      const std::vector<float> addend = random_floats(count + 1);
      std::vector<float> out = before;
      kernel->scale_and_add(out.data() + 1, 0.5F, addend.data() + 1, count);
      for (size_t i = 1; i <= count; ++i) {
        check_close(out[i], 0.5 * static_cast<double>(before[i]) + static_cast<double>(addend[i]));
      }
      CHECK(out.back() == before.back());
    }
  }
}

TEST_CASE("scaling may be in place") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t count : kLengths) {
      INFO("kernel " << kernel->name << ", count " << count);
      std::vector<float> in = random_floats(count + 2);
      std::vector<float> out(count + 2, kGuard);
      kernel->scale(in.data() + 1, 0.3F, count, out.data() + 1);
      CHECK(out.front() == kGuard);
      CHECK(out.back() == kGuard);
      for (size_t i = 1; i <= count; ++i) CHECK(out[i] == in[i] * 0.3F);
      const float next = in.back();
      kernel->scale(in.data() + 1, 0.3F, count, in.data() + 1);
      CHECK(in.back() == next);
      CHECK(std::equal(in.begin() + 1, in.end() - 1, out.begin() + 1));
    }
  }
}
