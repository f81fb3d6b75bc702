#include "support/failing_allocator.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local size_t left = 0;  // Allocations until the one that fails; 0: none does.
thread_local bool failed = false;

}  // namespace

void* operator new(size_t size) {
  if (left > 0 && --left == 0) {
    failed = true;
    throw std::bad_alloc();
  }
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

// As the standard library's does; a sanitizer has one of its own, which goes with another delete.
void* operator new(size_t size, const std::nothrow_t& /*tag*/) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t /*size*/) noexcept {
  std::free(memory);
}

namespace runed::test {

FailingAllocation::FailingAllocation(size_t number) {
  failed = false;
  left = number;
}

FailingAllocation::~FailingAllocation() {
  left = 0;
}

bool FailingAllocation::has_failed() const {
  return failed;
}

}  // namespace runed::test
