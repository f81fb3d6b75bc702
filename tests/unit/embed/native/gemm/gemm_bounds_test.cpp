#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "embed/native/gemm/gemm.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/gemm_reference.hpp"
#include "support/random_floats.hpp"
#include "support/stored_weights.hpp"

// The last row of the last tensor may end where the mapped file ends, and that where memory ends.
// These tests die of SIGSEGV where a byte past the end is read or written.

using runed::embed::block_layout;
using runed::embed::TensorType;
using runed::embed::native::available_kernels;
using runed::embed::native::Gemm;
using runed::embed::native::Kernel;
using runed::embed::native::name_of;
using runed::embed::native::NumberFormat;
using runed::embed::native::StoredRows;
using runed::test::find_gemm;
using runed::test::kAllTypes;
using runed::test::kFormats;
using runed::test::Panel;
using runed::test::random_floats;
using runed::test::StoredWeights;

namespace {

// Memory whose last byte is the last one that may be touched.
class Cliff {
 public:
  explicit Cliff(size_t size)
      : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))),
        mapped_((size + page_ - 1) / page_ * page_ + page_),
        size_(size) {
    map_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(map_ != MAP_FAILED);
    REQUIRE(mprotect(static_cast<std::byte*>(map_) + mapped_ - page_, page_, PROT_NONE) == 0);
  }
  ~Cliff() { munmap(map_, mapped_); }
  Cliff(const Cliff&) = delete;
  Cliff& operator=(const Cliff&) = delete;

  std::byte* data() const { return static_cast<std::byte*>(map_) + mapped_ - page_ - size_; }

 private:
  size_t page_;
  size_t mapped_;
  size_t size_;
  void* map_;
};

std::vector<size_t> depths_of(TensorType type) {
  const size_t block = block_layout(type).block_elements;
  if (block == 1) return {1, 2, 3, 7, 15, 17, 31, 33, 255, 257};
  if (block == 32) return {32, 64, 96, 288};
  return {256, 768};
}

template <typename Check>
void for_each_gemm(const Check& check) {
  for (const Kernel* kernel : available_kernels()) {
    for (const NumberFormat format : kFormats) {
      for (const TensorType type : kAllTypes) {
        const Gemm* gemm = find_gemm(*kernel, format, type);
        if (gemm == nullptr) continue;
        INFO("kernel " << kernel->name << ", " << name_of(format) << ", "
                       << block_layout(type).name);
        check(*gemm, type);
      }
    }
  }
}

}  // namespace

TEST_CASE("packing reads no byte past the last row and writes none past the panel") {
  for_each_gemm([](const Gemm& gemm, TensorType type) {
    for (const size_t depth : depths_of(type)) {
      for (const size_t count : {1, 9, 16, 17, 33, 64}) {
        const StoredWeights weights(type, count, depth);
        const StoredRows rows = weights.stored(0, count);
        const Cliff stored(count * rows.row_bytes);
        std::copy_n(rows.first, count * rows.row_bytes, stored.data());
        const Cliff panel(gemm.panel_bytes(depth));
        gemm.pack({type, stored.data(), rows.row_bytes, count}, depth, 0, panel.data(), {});
        Panel expected(gemm, depth);
        gemm.pack(rows, depth, 0, expected.data(), {});
        if (count > 48) {
          CHECK(std::equal(panel.data(), panel.data() + gemm.panel_bytes(depth), expected.data()));
        }
      }
    }
  });
}

TEST_CASE("dequantizing reads no byte past the last block") {
  for (const Kernel* kernel : available_kernels()) {
    for (const TensorType type : kAllTypes) {
      for (const size_t depth : depths_of(type)) {
        const StoredWeights weights(type, 1, depth);
        const Cliff stored(weights.row_bytes());
        const Cliff out(depth * sizeof(float));
        std::copy_n(weights.stored(0, 1).first, weights.row_bytes(), stored.data());
        auto* to = reinterpret_cast<float*>(out.data());
        kernel->dequantize(type, stored.data(), depth, to);
        CHECK(std::equal(to, to + depth, weights.row(0)));
      }
    }
  }
}

TEST_CASE("preparing and multiplying touch no byte past their rows, panel and tile") {
  for_each_gemm([](const Gemm& gemm, TensorType type) {
    for (const size_t depth : depths_of(type)) {
      const StoredWeights weights(type, 64, depth);
      const Cliff panel(gemm.panel_bytes(depth));
      gemm.pack(weights.stored(0, 64), depth, 0, panel.data(), {});
      const std::vector<float> values = random_floats(6 * depth);
      for (const size_t count : {1, 2, 3, 4, 5, 6}) {
        const size_t stride = gemm.row_bytes(depth);
        const Cliff rows(count * stride);
        for (size_t row = 0; row < count; ++row) {
          const Cliff input(depth * sizeof(float));
          auto* from = reinterpret_cast<float*>(input.data());
          std::copy_n(values.data() + row * depth, depth, from);
          if (gemm.prepare == nullptr) {
            std::copy_n(input.data(), stride, rows.data() + row * stride);
          } else {
            gemm.prepare(from, depth, rows.data() + row * stride);
          }
        }
        const Cliff tile(count * 64 * sizeof(float));
        gemm.multiply(panel.data(), depth, rows.data(), stride, count,
                      reinterpret_cast<float*>(tile.data()), {});
      }
    }
  });
}

TEST_CASE("packing values reads none past the last key's") {
  for (const Kernel* kernel : available_kernels()) {
    for (const NumberFormat format : kFormats) {
      const Gemm* gemm = find_gemm(*kernel, format, TensorType::f32);
      if (gemm == nullptr) continue;
      for (const size_t keys : {1, 2, 63, 64}) {
        for (const size_t columns : {1, 9, 17, 64}) {
          const Cliff values(keys * columns * sizeof(float));
          const Cliff panel(gemm->panel_bytes(keys));
          gemm->pack_as_rows(reinterpret_cast<float*>(values.data()), columns, keys, columns,
                             panel.data());
        }
      }
    }
  }
}
