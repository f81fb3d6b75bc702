#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace runed::embed::native {

/// One block of memory for everything that a batch needs besides the weights. It is laid out anew
/// for each batch, and grows when one needs more.
class Arena {
 public:
  /// Calls lay_out(*this) twice, first only to count what it takes, and returns what the second
  /// call returns. All spans handed out before become invalid.
  template <typename LayOut>
  auto lay_out(const LayOut& lay_out) {
    counting_ = true;
    used_ = 0;
    lay_out(*this);
    if (used_ > capacity_) grow();
    counting_ = false;
    used_ = 0;
    return lay_out(*this);
  }

  /// Hands out floats, uninitialised, on a cache line of their own.
  std::span<float> take(size_t count) {
    const size_t start = used_;
    used_ += (count + kLine - 1) / kLine * kLine;
    if (counting_) return {};
    return {memory_.get() + start, count};
  }

  /// Calls both, and has them take from the same memory: what they take is never needed together.
  template <typename First, typename Second>
  void overlay(const First& first, const Second& second) {
    const size_t start = used_;
    first();
    const size_t end_of_first = std::exchange(used_, start);
    second();
    used_ = std::max(used_, end_of_first);
  }

  /// Gives the memory back.
  void release() {
    memory_.reset();
    capacity_ = 0;
  }

  size_t capacity_bytes() const { return capacity_ * sizeof(float); }

 private:
  static constexpr size_t kLine = 16;  // Floats of a cache line.

  void grow() {
    release();  // First, so that the old and the new block never exist together.
    memory_.reset(static_cast<float*>(std::aligned_alloc(64, used_ * sizeof(float))));
    if (memory_ == nullptr) throw std::bad_alloc();
    capacity_ = used_;
  }

  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };

  std::unique_ptr<float[], Free> memory_;
  size_t capacity_ = 0;  // Floats.
  size_t used_ = 0;      // Floats.
  bool counting_ = false;
};

}  // namespace runed::embed::native
