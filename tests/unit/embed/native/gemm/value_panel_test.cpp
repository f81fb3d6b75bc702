#include "embed/native/gemm/value_panel.hpp"

#include <vector>

#include "embed/native/isa/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/gemm_reference.hpp"
#include "support/random_floats.hpp"

using runed::embed::TensorType;
using runed::embed::native::available_kernels;
using runed::embed::native::Gemm;
using runed::embed::native::Kernel;
using runed::embed::native::kPanelColumns;
using runed::embed::native::name_of;
using runed::embed::native::NumberFormat;
using runed::test::dot;
using runed::test::Expected;
using runed::test::find_gemm;
using runed::test::is_as;
using runed::test::kFormats;
using runed::test::Panel;
using runed::test::PreparedInputs;
using runed::test::random_floats;
using runed::test::rounded;
using runed::test::RoundedRow;
using runed::test::Tile;

namespace {

constexpr size_t kInputRows = 3;

// Values of `columns` numbers for each of `depth` keys, four bytes off alignment.
struct Values {
  Values(size_t value_depth, size_t value_columns)
      : depth(value_depth),
        columns(value_columns),
        stride(value_columns + 5),
        floats(random_floats(value_depth * stride + 1)) {}

  const float* first() const { return floats.data() + 1; }
  std::vector<float> column(size_t index) const {
    std::vector<float> values(depth);
    if (index >= columns) return values;
    for (size_t k = 0; k < depth; ++k) values[k] = first()[k * stride + index];
    return values;
  }

  size_t depth;
  size_t columns;
  size_t stride;
  std::vector<float> floats;
};

void check_values(const Gemm& gemm, NumberFormat format, size_t depth, size_t columns) {
  const Values values(depth, columns);
  const std::vector<float> inputs = random_floats(kInputRows * depth);
  Panel panel(gemm, depth);
  gemm.pack_as_rows(values.first(), values.stride, depth, columns, panel.data());
  CHECK(panel.guards_are_intact());
  const PreparedInputs rows(gemm, inputs.data(), depth, kInputRows, depth);
  const Tile tile(gemm, panel, depth, rows, kInputRows);
  CHECK(tile.guards_are_intact());
  for (size_t column = 0; column < kPanelColumns; ++column) {
    const RoundedRow weights = rounded(format, values.column(column).data(), depth);
    for (size_t row = 0; row < kInputRows; ++row) {
      const Expected expected = dot(rounded(format, inputs.data() + row * depth, depth), weights);
      if (is_as(tile.at(row, column), expected)) continue;
      FAIL_CHECK("row " << row << ", column " << column << ": " << tile.at(row, column) << ", not "
                        << expected.value << " +- " << expected.tolerance);
    }
  }
}

}  // namespace

TEST_CASE("f32 rows become the rows of a panel, with zeros in the columns past the last") {
  for (const Kernel* kernel : available_kernels()) {
    for (const NumberFormat format : kFormats) {
      const Gemm* gemm = find_gemm(*kernel, format, TensorType::f32);
      if (gemm == nullptr) continue;
      for (const size_t depth : {0, 1, 2, 7, 31, 63, 64, 65, 130}) {
        for (const size_t columns : {1, 7, 8, 9, 15, 16, 17, 32, 63, 64}) {
          INFO("kernel " << kernel->name << ", " << name_of(format) << ", depth " << depth
                         << ", columns " << columns);
          check_values(*gemm, format, depth, columns);
        }
      }
    }
  }
}

TEST_CASE("only formats of stored weights do not pack f32 rows") {
  for (const Kernel* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    CHECK(kernel->f32.pack_as_rows != nullptr);
    if (kernel->bf16 != nullptr) CHECK(kernel->bf16->pack_as_rows != nullptr);
    if (kernel->int16 != nullptr) CHECK(kernel->int16->pack_as_rows != nullptr);
    if (kernel->int8 != nullptr) CHECK(kernel->int8->q8_0.pack_as_rows == nullptr);
  }
}
