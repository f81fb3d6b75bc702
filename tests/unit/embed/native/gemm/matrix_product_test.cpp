#include "embed/native/gemm/matrix_product.hpp"

#include <cmath>
#include <vector>

#include "embed/native/isa/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/gemm_reference.hpp"
#include "support/random_floats.hpp"
#include "support/stored_weights.hpp"

using runed::embed::TensorType;
using runed::embed::native::available_kernels;
using runed::embed::native::Epilogue;
using runed::embed::native::Gemm;
using runed::embed::native::InputRows;
using runed::embed::native::Kernel;
using runed::embed::native::kGatedPart;
using runed::embed::native::Matrix;
using runed::embed::native::MatrixProduct;
using runed::embed::native::name_of;
using runed::embed::native::NumberFormat;
using runed::embed::native::pack_panel;
using runed::embed::native::panel_count;
using runed::embed::native::panel_floats;
using runed::embed::native::PreparedRows;
using runed::embed::native::Rows;
using runed::embed::native::ThreadPool;
using runed::test::dot;
using runed::test::Expected;
using runed::test::find_gemm;
using runed::test::kFormats;
using runed::test::random_floats;
using runed::test::rounded;
using runed::test::rounded_weights;
using runed::test::StoredWeights;

namespace {

// A format of products, and weights that it multiplies.
struct Setting {
  NumberFormat format;
  TensorType type;
  size_t depth;
};

constexpr Setting kPlain{NumberFormat::f32, TensorType::f32, 37};
constexpr Epilogue kEpilogues[] = {Epilogue::store,  Epilogue::add,   Epilogue::gelu,
                                   Epilogue::swiglu, Epilogue::geglu, Epilogue::geglu_tanh};

Setting setting_of(NumberFormat format) {
  if (format == NumberFormat::int8) return {format, TensorType::q8_0, 96};
  return {format, TensorType::f32, 37};
}

struct OwnedMatrix {
  OwnedMatrix(const Setting& of, const Kernel& kernel, size_t rows)
      : setting(of), weights(of.type, rows, of.depth) {
    matrix = {.type = of.type,
              .data = weights.stored(0, rows).first,
              .rows = rows,
              .columns = of.depth,
              .row_bytes = weights.row_bytes(),
              .gemm = find_gemm(kernel, of.format, of.type)};
  }

  // Each product with its bias.
  Expected times(const float* input, size_t row) const {
    Expected product = dot(rounded(setting.format, input, setting.depth),
                           rounded_weights(setting.format, weights.row(row), setting.depth));
    if (!matrix.bias.empty()) product.value += static_cast<double>(matrix.bias[row]);
    return product;
  }

  Setting setting;
  StoredWeights weights;
  Matrix matrix;
};

struct OwnedRows {
  OwnedRows(size_t count, size_t width)
      : values(random_floats(count * (width + 3))), rows{values.data(), width + 3, count} {}

  std::vector<float> values;
  Rows rows;
};

// Rows as they are, and as the Gemm of a matrix multiplies them.
struct OwnedInputs {
  OwnedInputs(const Matrix& matrix, size_t count) : plain(count, matrix.columns) {
    const Gemm& gemm = *matrix.gemm;
    if (gemm.prepare == nullptr) {
      rows = {reinterpret_cast<std::byte*>(plain.values.data()), plain.rows.stride * sizeof(float),
              count};
      return;
    }
    const size_t stride = gemm.row_bytes(matrix.columns) + 5;
    bytes.resize(count * stride);
    rows = {bytes.data(), stride, count};
    for (size_t i = 0; i < count; ++i) {
      gemm.prepare(plain.rows.row(i), matrix.columns, rows.row(i));
    }
  }

  OwnedRows plain;
  std::vector<std::byte> bytes;
  InputRows rows;
};

double activated(Epilogue epilogue, double x) {
  if (epilogue == Epilogue::swiglu) return x / (1 + std::exp(-x));
  if (epilogue != Epilogue::geglu_tanh) return x * std::erfc(-x / std::sqrt(2.0)) / 2;
  return x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))) / 2;
}

// The slopes of SiLU and GELU are at most 1.13.
Expected expected_output(Epilogue epilogue, const Expected& product, const Expected& up,
                         double before) {
  const double x = product.value;
  if (epilogue == Epilogue::store) return product;
  if (epilogue == Epilogue::add) return {before + x, product.tolerance + 1e-6};
  const double gate = activated(epilogue, x);
  if (epilogue == Epilogue::gelu) return {gate, 1.13 * product.tolerance + 2e-6};
  return {gate * up.value, 1.13 * product.tolerance * std::abs(up.value) +
                               std::abs(gate) * up.tolerance +
                               2e-6 * (1 + std::abs(gate * up.value))};
}

enum class Given { as_stored, with_bias, packed };

// Packs all panels of a product, and has it multiplied from there.
std::vector<float> packed(const MatrixProduct& product, Matrix& matrix) {
  const size_t floats = panel_floats(matrix);
  std::vector<float> panels(panel_count(product) * floats);
  for (size_t i = 0; i < panel_count(product); ++i) {
    pack_panel(product, i, panels.data() + i * floats);
  }
  matrix.panels = panels.data();
  return panels;
}

// One product by the naive loop, and nothing written past its rows.
void check_product(const Setting& setting, const Kernel& kernel, ThreadPool& pool,
                   Epilogue epilogue, size_t rows, size_t outputs, Given given = Given::as_stored) {
  INFO("kernel " << kernel.name << ", " << name_of(setting.format) << ", " << pool.threads()
                 << " threads, epilogue " << static_cast<int>(epilogue) << ", " << rows << " rows, "
                 << outputs << " outputs");
  OwnedMatrix weights(setting, kernel, outputs);
  OwnedMatrix up(setting, kernel, outputs);
  if (given == Given::with_bias) {
    weights.matrix.bias = random_floats(outputs);
    up.matrix.bias = random_floats(outputs);
  }
  const OwnedInputs in(weights.matrix, rows);
  OwnedRows out(rows, outputs);
  const std::vector<float> before = out.values;
  std::vector<float> panels(pool.threads() * panel_floats(*weights.matrix.gemm, setting.depth));
  const MatrixProduct product{&weights.matrix, &up.matrix, in.rows, out.rows, epilogue};
  std::vector<float> all_panels;
  if (given == Given::packed) {
    all_panels = packed(product, weights.matrix);
    panels.clear();  // None is packed on the way.
  }
  multiply({&product, 1}, kernel, pool, panels);
  for (size_t row = 0; row < rows; ++row) {
    const float* input = in.plain.rows.row(row);
    for (size_t i = 0; i < out.rows.stride; ++i) {
      const float found = out.rows.row(row)[i];
      const double old = static_cast<double>(before[row * out.rows.stride + i]);
      const Expected expected =
          i < outputs ? expected_output(epilogue, weights.times(input, i), up.times(input, i), old)
                      : Expected{old, 0};
      if (std::abs(static_cast<double>(found) - expected.value) <= expected.tolerance) continue;
      FAIL_CHECK("row " << row << ", output " << i << ": " << found << ", not " << expected.value);
    }
  }
}

// SwiGLU into rows that are prepared for a later product, and what preparing its output would be.
void check_prepared_swiglu(const Setting& setting, const Kernel& kernel, ThreadPool& pool,
                           const Gemm& later, size_t outputs) {
  constexpr size_t kRows = 13;
  constexpr std::byte kGuard{0xA5};
  const OwnedMatrix weights(setting, kernel, outputs);
  const OwnedMatrix up(setting, kernel, outputs);
  const OwnedInputs in(weights.matrix, kRows);
  std::vector<float> panels(pool.threads() * panel_floats(*weights.matrix.gemm, setting.depth));
  const auto run = [&](const Rows& out, const PreparedRows& prepared) {
    const MatrixProduct product{.weights = &weights.matrix,
                                .up = &up.matrix,
                                .in = in.rows,
                                .out = out,
                                .epilogue = Epilogue::swiglu,
                                .prepared = prepared};
    multiply({&product, 1}, kernel, pool, panels);
  };
  const OwnedRows out(kRows, outputs);
  run(out.rows, {});
  const size_t row_bytes = later.row_bytes(outputs);
  const size_t stride = row_bytes + 3;
  std::vector<std::byte> found(kRows * stride, kGuard);
  std::vector<std::byte> expected = found;
  run({}, {&later, {found.data(), stride, kRows}});
  for (size_t row = 0; row < kRows; ++row) {
    later.prepare(out.rows.row(row), outputs, expected.data() + row * stride);
  }
  CHECK(found == expected);
}

}  // namespace

TEST_CASE("a matrix product agrees with a naive loop, at every edge of rows and outputs") {
  ThreadPool pool(2);
  for (const Kernel* kernel : available_kernels()) {
    for (const NumberFormat format : kFormats) {
      const Setting setting = setting_of(format);
      if (find_gemm(*kernel, format, setting.type) == nullptr) continue;
      for (const Epilogue epilogue : kEpilogues) {
        for (const size_t rows : {0, 1, 5, 6, 7}) {
          for (const size_t outputs : {1, 31, 32, 33, 63, 64, 65, 130}) {
            check_product(setting, *kernel, pool, epilogue, rows, outputs);
          }
        }
      }
    }
  }
}

TEST_CASE("a bias is added before anything else becomes of a product") {
  ThreadPool pool(2);
  for (const Kernel* kernel : available_kernels()) {
    for (const Epilogue epilogue : kEpilogues) {
      for (const size_t outputs : {1, 33, 130}) {
        check_product(kPlain, *kernel, pool, epilogue, 7, outputs, Given::with_bias);
      }
    }
  }
}

TEST_CASE("a product with panels that were packed before is the same") {
  ThreadPool pool(2);
  for (const Kernel* kernel : available_kernels()) {
    for (const NumberFormat format : kFormats) {
      const Setting setting = setting_of(format);
      if (find_gemm(*kernel, format, setting.type) == nullptr) continue;
      for (const Epilogue epilogue : kEpilogues) {
        for (const size_t outputs : {1, 33, 64, 130}) {
          check_product(setting, *kernel, pool, epilogue, 7, outputs, Given::packed);
        }
      }
    }
  }
}

TEST_CASE("rows are split when there are fewer panels than threads") {
  const Kernel& kernel = *available_kernels().front();
  for (const NumberFormat format : kFormats) {
    const Setting setting = setting_of(format);
    if (find_gemm(kernel, format, setting.type) == nullptr) continue;
    for (const uint32_t threads : {1, 2, 7}) {
      ThreadPool pool(threads);
      for (const size_t rows : {63, 64, 65, 129, 1000}) {
        check_product(setting, kernel, pool, Epilogue::add, rows, 65);
      }
    }
  }
}

TEST_CASE("products of different sizes are computed as one job") {
  const Kernel& kernel = *available_kernels().front();
  ThreadPool pool(3);
  const OwnedMatrix wide(kPlain, kernel, 130);
  const OwnedMatrix narrow(kPlain, kernel, 20);
  const OwnedInputs many(wide.matrix, 200);
  const OwnedInputs few(narrow.matrix, 2);
  OwnedRows first(200, 130);
  OwnedRows second(2, 20);
  const MatrixProduct products[] = {{&wide.matrix, nullptr, many.rows, first.rows},
                                    {&narrow.matrix, nullptr, few.rows, second.rows}};
  std::vector<float> panels(pool.threads() * panel_floats(kernel.f32, kPlain.depth));
  multiply(products, kernel, pool, panels);
  CHECK(static_cast<double>(first.rows.row(199)[129]) ==
        Approx(wide.times(many.plain.rows.row(199), 129).value).margin(1e-5));
  CHECK(static_cast<double>(first.rows.row(100)[64]) ==
        Approx(wide.times(many.plain.rows.row(100), 64).value).margin(1e-5));
  CHECK(static_cast<double>(second.rows.row(1)[19]) ==
        Approx(narrow.times(few.plain.rows.row(1), 19).value).margin(1e-5));
}

TEST_CASE("SwiGLU into rows of a later product equals preparing its output") {
  ThreadPool pool(2);
  for (const Kernel* kernel : available_kernels()) {
    for (const NumberFormat format : kFormats) {
      const Setting setting = setting_of(format);
      if (find_gemm(*kernel, format, setting.type) == nullptr) continue;
      for (const NumberFormat later : kFormats) {
        const Gemm* gemm = find_gemm(*kernel, later, setting_of(later).type);
        if (gemm == nullptr || !PreparedRows::can_take(*gemm, kGatedPart)) continue;
        for (const size_t outputs : {1, 31, 32, 33, 64, 65, 130}) {
          INFO("kernel " << kernel->name << ", " << name_of(format) << " for " << name_of(later)
                         << ", " << outputs << " outputs");
          check_prepared_swiglu(setting, *kernel, pool, *gemm, outputs);
        }
      }
    }
  }
}
