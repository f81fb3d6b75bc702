#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "base/result.hpp"

namespace runed::os {

/// Guards the mapping of a file. A page that the file does not have any more, because it was cut
/// short or the disk fails, would end the process with SIGBUS; a guarded mapping shows zeros from
/// that page on instead, and has a hole from then on.
class MappingGuard {
 public:
  MappingGuard() = default;
  MappingGuard(MappingGuard&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  MappingGuard& operator=(MappingGuard&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  /// Needs: the mapping is still there.
  ~MappingGuard();

  /// Guards a mapping, which begins on a page, with any thread's accesses.
  /// Errors: io if too many are guarded.
  static Result<MappingGuard> create(std::span<const std::byte> mapping);

  /// Tells whether zeros were shown in place of bytes of the file. What was read before the answer
  /// was false is not of them.
  bool has_hole() const;

 private:
  struct Slot;
  struct Registry;

  explicit MappingGuard(Slot* slot) : slot_(slot) {}

  Slot* slot_ = nullptr;  // Null: nothing is guarded.
};

}  // namespace runed::os
