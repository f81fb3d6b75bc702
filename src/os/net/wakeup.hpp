#pragma once

#include "os/file/fd.hpp"

namespace runed::os {

/// Wakes a thread that waits for descriptors (an eventfd). Notifications that nobody has cleared
/// yet are one notification. Thread-safe.
class Wakeup {
 public:
  Wakeup();

  /// Makes the descriptor readable, until `clear`.
  void notify();
  void clear();
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

}  // namespace runed::os
