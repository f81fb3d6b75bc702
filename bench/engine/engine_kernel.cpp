#include "engine_kernel.hpp"

#include <algorithm>
#include <ctime>
#include <random>

#include "bench.hpp"
#include "embed/native/gemm/gemm_choice.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "embed/native/pass/weights.hpp"
#include "os/file/mapped_file.hpp"

namespace runed::bench {
namespace {

using namespace embed;
using namespace embed::native;

constexpr size_t kRows = 8 * kTileRows;  // With a panel they fit the L2 cache of any CPU.
constexpr int kRepetitions = 9;
constexpr double kLeastSeconds = 0.01;  // Of one measurement.

double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Seconds of CPU time of one call, the best of several rounds.
double seconds_of(const auto& work) {
  double best = 1e9;
  size_t calls = 1;
  for (int round = 0; round < kRepetitions;) {
    const double begin = thread_cpu_seconds();
    for (size_t i = 0; i < calls; ++i) work();
    const double seconds = thread_cpu_seconds() - begin;
    if (seconds < kLeastSeconds) {
      calls *= 2;
    } else {
      best = std::min(best, seconds / static_cast<double>(calls));
      ++round;
    }
  }
  return best;
}

std::vector<float> random_floats(size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> distribution;
  std::vector<float> values(count);
  std::ranges::generate(values, [&] { return distribution(random); });
  return values;
}

struct Aligned {
  explicit Aligned(size_t bytes) : lines((bytes + 63) / 64) {}
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::byte* data() { return lines.front().bytes; }
  std::vector<Line> lines;
};

KernelRate measure(const std::string& name, const Gemm& gemm, const StoredRows& weights,
                   size_t depth) {
  KernelRate rate{
      .matrix = name, .weights = std::string(block_layout(weights.type).name), .depth = depth};
  Aligned panel(gemm.panel_bytes(depth));
  rate.pack_us = 1e6 * seconds_of([&] { gemm.pack(weights, depth, 0, panel.data(), {}); });

  const std::vector<float> inputs = random_floats(kRows * depth);
  const size_t row_bytes = gemm.prepare == nullptr ? depth * sizeof(float) : gemm.row_bytes(depth);
  const size_t stride = (row_bytes + 63) / 64 * 64 + 64;
  Aligned rows(kRows * stride);
  const auto prepare = [&](size_t row) {
    const float* from = inputs.data() + row * depth;
    if (gemm.prepare == nullptr) {
      std::copy_n(reinterpret_cast<const std::byte*>(from), row_bytes, rows.data() + row * stride);
    } else {
      gemm.prepare(from, depth, rows.data() + row * stride);
    }
  };
  for (size_t row = 0; row < kRows; ++row) prepare(row);
  if (gemm.prepare != nullptr) rate.prepare_us = 1e6 * seconds_of([&] { prepare(0); });

  alignas(64) float tile[kTileRows * kPanelColumns];
  const double seconds = seconds_of([&] {
    for (size_t row = 0; row < kRows; row += kTileRows) {
      gemm.multiply(panel.data(), depth, rows.data() + row * stride, stride, kTileRows, tile, {});
    }
  });
  rate.gmacs = static_cast<double>(kRows * kPanelColumns * depth) / seconds / 1e9;
  return rate;
}

KernelRate measure(const std::string& name, const Matrix& matrix) {
  return measure(name, *matrix.gemm,
                 {matrix.type, matrix.data, matrix.row_bytes, std::min(kPanelColumns, matrix.rows)},
                 matrix.columns);
}

}  // namespace

double KernelRate::rows_per_pack() const {
  return pack_us * 1e3 * gmacs / static_cast<double>(kPanelColumns * depth);
}

std::vector<KernelRate> measure_kernel(const Model& model, const Mode& mode) {
  const os::MappedFile file = value(os::MappedFile::open(model.path));
  const Gguf gguf = value(Gguf::parse(file.bytes()));
  const Kernel& kernel = *value(choose_kernel(mode.cpu));
  Weights weights = value(find_weights(gguf, model.spec, kernel));
  const NumberFormat compute = compute_of(mode);
  choose_gemms(weights, model.spec, compute, kernel);
  const LayerWeights& layer = weights.layers.front();
  const size_t head = model.spec.head_width;
  const std::vector<float> keys = random_floats(kPanelColumns * head);
  std::vector<KernelRate> rates{
      measure("up", layer.up), measure("down", layer.down),
      measure("scores", attention_gemm(kernel, compute),
              {TensorType::f32, reinterpret_cast<const std::byte*>(keys.data()),
               head * sizeof(float), kPanelColumns},
              head)};
  rates.back().is_attention = true;
  return rates;
}

}  // namespace runed::bench
