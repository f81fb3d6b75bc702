#include "embed/native/gemm/gemm.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "embed/native/isa/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/gemm_reference.hpp"
#include "support/random_floats.hpp"
#include "support/stored_weights.hpp"

using runed::embed::block_layout;
using runed::embed::TensorType;
using runed::embed::native::available_kernels;
using runed::embed::native::Gemm;
using runed::embed::native::Kernel;
using runed::embed::native::kPanelColumns;
using runed::embed::native::kTileRows;
using runed::embed::native::name_of;
using runed::embed::native::NumberFormat;
using runed::embed::native::Prefetch;
using runed::test::dot;
using runed::test::Expected;
using runed::test::find_gemm;
using runed::test::is_as;
using runed::test::kAllTypes;
using runed::test::kFormats;
using runed::test::Numbers;
using runed::test::Panel;
using runed::test::PreparedInputs;
using runed::test::random_floats;
using runed::test::rounded;
using runed::test::rounded_weights;
using runed::test::RoundedRow;
using runed::test::StoredWeights;
using runed::test::Tile;

namespace {

// Around vectors, strips of the panel, blocks of the formats and stretches of packing.
const std::vector<size_t> kPlainDepths{0,   1,   2,   31,  32,  33,  63,  64,  65,
                                       127, 128, 129, 255, 256, 257, 513, 1024};
const std::vector<size_t> kBlockDepths{0, 32, 64, 96, 256, 288, 1056};
const std::vector<size_t> kSuperBlockDepths{0, 256, 512, 768, 1024};

const std::vector<size_t>& depths_of(TensorType type) {
  const size_t block = block_layout(type).block_elements;
  if (block == 1) return kPlainDepths;
  return block == 32 ? kBlockDepths : kSuperBlockDepths;
}

// Inputs that begin four bytes off alignment and have a gap between them. Extreme ones have an
// outlier in each block, or are zero, denormal, almost too small for the inverse of their greatest,
// or great; in each row of them some numbers are zero.
struct Inputs {
  Inputs(size_t row_depth, Numbers numbers)
      : depth(row_depth), stride(depth + 1), values(random_floats(kTileRows * stride + 1)) {
    if (numbers == Numbers::ordinary) return;
    constexpr float kKinds[kTileRows] = {1, 0, 1e-39F, 0x1p-99F, 1e25F, -1};
    for (size_t row = 0; row < kTileRows; ++row) {
      float* of_row = values.data() + 1 + row * stride;
      for (size_t k = 0; k < depth; ++k) of_row[k] *= k % 7 == 3 ? 0 : kKinds[row];
      for (size_t k = row; row % 5 == 0 && k < depth; k += 29) of_row[k] *= 5e4F;
    }
  }

  const float* row(size_t index) const { return values.data() + 1 + index * stride; }
  PreparedInputs prepared(const Gemm& gemm) const {
    return {gemm, row(0), stride, kTileRows, depth};
  }

  size_t depth;
  size_t stride;
  std::vector<float> values;
};

// The product of all inputs and weights by its definition.
class Reference {
 public:
  Reference(NumberFormat format, const Inputs& inputs, const StoredWeights& weights, size_t columns)
      : columns_(columns) {
    std::vector<RoundedRow> of_weights;
    for (size_t column = 0; column < columns; ++column) {
      of_weights.push_back(rounded_weights(format, weights.row(column), inputs.depth));
    }
    for (size_t row = 0; row < kTileRows; ++row) {
      const RoundedRow input = rounded(format, inputs.row(row), inputs.depth);
      for (size_t column = 0; column < columns; ++column) {
        expected_.push_back(dot(input, of_weights[column],
                                [&](size_t k) { return weights.most_minimum(column, k); }));
      }
    }
  }

  const Expected& at(size_t row, size_t column) const { return expected_[row * columns_ + column]; }

 private:
  size_t columns_;
  std::vector<Expected> expected_;
};

// A run of weights in a panel; the columns up to the next sixteen repeat the last.
struct Part {
  size_t first_column;
  size_t count;
};

void check_tiles(const Gemm& gemm, const Panel& panel, const PreparedInputs& rows,
                 const Reference& reference, size_t depth, const std::vector<Part>& parts) {
  CHECK(panel.guards_are_intact());
  for (size_t count = 1; count <= kTileRows; ++count) {
    const Tile tile(gemm, panel, depth, rows, count);
    CHECK(tile.guards_are_intact());
    size_t first_weight = 0;
    for (const Part& part : parts) {
      for (size_t i = 0; i < (part.count + 15) / 16 * 16 * count; ++i) {
        const size_t row = i % count;
        const size_t column = i / count;
        const Expected& expected =
            reference.at(row, first_weight + std::min(column, part.count - 1));
        const float found = tile.at(row, part.first_column + column);
        if (is_as(found, expected)) continue;
        FAIL_CHECK("row " << row << " of " << count << ", column " << part.first_column + column
                          << ": " << found << ", not " << expected.value << " +- "
                          << expected.tolerance);
      }
      first_weight += part.count;
    }
  }
}

// Packs the parts of a panel one after the other and multiplies.
void check_parts(const Gemm& gemm, const StoredWeights& weights, const PreparedInputs& rows,
                 const Reference& reference, size_t depth, const std::vector<Part>& parts) {
  Panel panel(gemm, depth);
  size_t first_weight = 0;
  for (const Part& part : parts) {
    gemm.pack(weights.stored(first_weight, part.count), depth, part.first_column, panel.data(), {});
    first_weight += part.count;
  }
  check_tiles(gemm, panel, rows, reference, depth, parts);
}

// Calls check(kernel, gemm) for each kernel that multiplies this type in this format.
template <typename Check>
void for_each_gemm(NumberFormat format, TensorType type, const Check& check) {
  for (const Kernel* kernel : available_kernels()) {
    const Gemm* gemm = find_gemm(*kernel, format, type);
    if (gemm == nullptr) continue;
    INFO("kernel " << kernel->name << ", " << name_of(format) << ", " << block_layout(type).name);
    check(*kernel, *gemm);
  }
}

const std::vector<std::vector<Part>> kPartings{
    {{0, 1}},  {{0, 15}},          {{0, 16}},           {{0, 17}},           {{0, 63}},
    {{0, 64}}, {{0, 16}, {16, 1}}, {{0, 48}, {48, 16}}, {{0, 32}, {32, 31}}, {{0, 5}, {32, 17}}};

void check_everything(NumberFormat format, TensorType type, Numbers of_weights, Numbers of_inputs) {
  for (const size_t depth : depths_of(type)) {
    const StoredWeights weights(type, kPanelColumns, depth, of_weights);
    const Inputs inputs(depth, of_inputs);
    const Reference reference(format, inputs, weights, kPanelColumns);
    for_each_gemm(format, type, [&](const Kernel&, const Gemm& gemm) {
      INFO("depth " << depth);
      const PreparedInputs rows = inputs.prepared(gemm);
      CHECK(rows.guards_are_intact());
      for (const std::vector<Part>& parts : kPartings) {
        check_parts(gemm, weights, rows, reference, depth, parts);
      }
    });
  }
}

// Packs a panel and multiplies by it, with so many lines to ask for meanwhile.
struct Product {
  Product(const Gemm& gemm, const StoredWeights& weights, const PreparedInputs& rows, size_t depth,
          const Prefetch& prefetch)
      : panel(gemm, depth), tile(kTileRows * kPanelColumns) {
    gemm.pack(weights.stored(0, kPanelColumns), depth, 0, panel.data(), prefetch);
    gemm.multiply(panel.data(), depth, rows.row(0), rows.stride(), kTileRows, tile.data(),
                  prefetch);
  }

  bool operator==(const Product& other) const {
    return std::memcmp(tile.data(), other.tile.data(), tile.size() * sizeof(float)) == 0 &&
           panel == other.panel;
  }

  Panel panel;
  std::vector<float> tile;
};

}  // namespace

TEST_CASE("packed weights multiply as a naive loop does, at every edge") {
  for (const NumberFormat format : kFormats) {
    for (const TensorType type : kAllTypes) {
      check_everything(format, type, Numbers::ordinary, Numbers::ordinary);
    }
  }
}

TEST_CASE("packed weights of extreme numbers multiply as a naive loop does") {
  for (const NumberFormat format : kFormats) {
    for (const TensorType type : kAllTypes) {
      check_everything(format, type, Numbers::extreme, Numbers::ordinary);
    }
  }
}

TEST_CASE("extreme inputs are multiplied as a naive loop does") {
  for (const NumberFormat format : kFormats) {
    for (const TensorType type : kAllTypes) {
      check_everything(format, type, Numbers::ordinary, Numbers::extreme);
      check_everything(format, type, Numbers::extreme, Numbers::extreme);
    }
  }
}

TEST_CASE("what is asked for meanwhile changes no result") {
  const std::vector<std::byte> later(1000 * Prefetch::kLine);
  for (const NumberFormat format : kFormats) {
    for (const TensorType type : kAllTypes) {
      for_each_gemm(format, type, [&](const Kernel&, const Gemm& gemm) {
        for (const size_t depth : depths_of(type)) {
          const StoredWeights weights(type, kPanelColumns, depth);
          const PreparedInputs rows = Inputs(depth, Numbers::ordinary).prepared(gemm);
          const Product expected(gemm, weights, rows, depth, {});
          for (const size_t lines : {1, 3, 64, 1000}) {
            INFO("depth " << depth << ", " << lines << " lines");
            CHECK(Product(gemm, weights, rows, depth, {later.data(), lines}) == expected);
          }
        }
      });
    }
  }
}
