#include "embed/native/matrix_product.hpp"

#include <cmath>
#include <vector>

#include "embed/native/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/random_floats.hpp"

using runed::embed::native::available_kernels;
using runed::embed::native::Epilogue;
using runed::embed::native::Kernel;
using runed::embed::native::Matrix;
using runed::embed::native::MatrixProduct;
using runed::embed::native::panel_floats;
using runed::embed::native::Rows;
using runed::embed::native::TensorType;
using runed::embed::native::ThreadPool;
using runed::test::random_floats;

namespace {

constexpr size_t kDepth = 37;

struct OwnedMatrix {
  explicit OwnedMatrix(size_t rows) : values(random_floats(rows * kDepth)) {
    matrix = {TensorType::f32, reinterpret_cast<const std::byte*>(values.data()), rows, kDepth,
              kDepth * sizeof(float)};
  }

  double times(const float* input, size_t row) const {
    double sum = 0;
    for (size_t k = 0; k < kDepth; ++k) {
      sum += static_cast<double>(input[k]) * static_cast<double>(values[row * kDepth + k]);
    }
    return sum;
  }

  std::vector<float> values;
  Matrix matrix;
};

struct OwnedRows {
  OwnedRows(size_t count, size_t width)
      : values(random_floats(count * (width + 3))), rows{values.data(), width + 3, count} {}

  std::vector<float> values;
  Rows rows;
};

double expected_output(Epilogue epilogue, double product, double up, double before) {
  if (epilogue == Epilogue::store) return product;
  if (epilogue == Epilogue::add) return before + product;
  return product / (1 + std::exp(-product)) * up;
}

// One product by the naive loop, and nothing written past its rows.
void check_product(const Kernel& kernel, ThreadPool& pool, Epilogue epilogue, size_t rows,
                   size_t outputs) {
  INFO("kernel " << kernel.name << ", " << pool.threads() << " threads, epilogue "
                 << static_cast<int>(epilogue) << ", " << rows << " rows, " << outputs
                 << " outputs");
  const OwnedMatrix weights(outputs);
  const OwnedMatrix up(outputs);
  const OwnedRows in(rows, kDepth);
  OwnedRows out(rows, outputs);
  const std::vector<float> before = out.values;
  std::vector<float> panels(pool.threads() * panel_floats(kernel, kDepth));
  const MatrixProduct product{&weights.matrix, &up.matrix, in.rows, out.rows, epilogue};
  multiply({&product, 1}, kernel, pool, panels);
  for (size_t row = 0; row < rows; ++row) {
    const float* input = in.rows.row(row);
    for (size_t i = 0; i < out.rows.stride; ++i) {
      const float found = out.rows.row(row)[i];
      const double old = static_cast<double>(before[row * out.rows.stride + i]);
      const double expected =
          i < outputs ? expected_output(epilogue, weights.times(input, i), up.times(input, i), old)
                      : old;
      if (std::abs(static_cast<double>(found) - expected) < 1e-4) continue;
      FAIL_CHECK("row " << row << ", output " << i << ": " << found << ", not " << expected);
    }
  }
}

}  // namespace

TEST_CASE("a matrix product agrees with a naive loop, at every edge of rows and outputs") {
  ThreadPool pool(2);
  for (const Kernel* kernel : available_kernels()) {
    for (const auto epilogue : {Epilogue::store, Epilogue::add, Epilogue::swiglu}) {
      for (const size_t rows : {0, 1, 5, 6, 7}) {
        for (const size_t outputs : {1, 31, 32, 33, 63, 64, 65, 130}) {
          check_product(*kernel, pool, epilogue, rows, outputs);
        }
      }
    }
  }
}

TEST_CASE("rows are split when there are fewer panels than threads") {
  for (const uint32_t threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    for (const size_t rows : {63, 64, 65, 129, 1000}) {
      check_product(*available_kernels().front(), pool, Epilogue::add, rows, 65);
    }
  }
}

TEST_CASE("products of different sizes are computed as one job") {
  const Kernel& kernel = *available_kernels().front();
  ThreadPool pool(3);
  const OwnedRows many(200, kDepth);
  const OwnedRows few(2, kDepth);
  const OwnedMatrix wide(130);
  const OwnedMatrix narrow(20);
  OwnedRows first(200, 130);
  OwnedRows second(2, 20);
  const MatrixProduct products[] = {{&wide.matrix, nullptr, many.rows, first.rows},
                                    {&narrow.matrix, nullptr, few.rows, second.rows}};
  std::vector<float> panels(pool.threads() * panel_floats(kernel, kDepth));
  multiply(products, kernel, pool, panels);
  CHECK(static_cast<double>(first.rows.row(199)[129]) ==
        Approx(wide.times(many.rows.row(199), 129)).margin(1e-5));
  CHECK(static_cast<double>(first.rows.row(100)[64]) ==
        Approx(wide.times(many.rows.row(100), 64)).margin(1e-5));
  CHECK(static_cast<double>(second.rows.row(1)[19]) ==
        Approx(narrow.times(few.rows.row(1), 19)).margin(1e-5));
}
