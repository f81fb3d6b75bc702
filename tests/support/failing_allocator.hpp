#pragma once

#include <cstddef>

namespace runed::test {

/// Lets one allocation of this thread fail (operator new throws std::bad_alloc): the `number`-th from
/// now on, counted from 1, for as long as it lives.
class FailingAllocation {
 public:
  explicit FailingAllocation(size_t number);
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  ~FailingAllocation();

  /// Tells whether it has failed.
  bool has_failed() const;
};

}  // namespace runed::test
