#pragma once

#include <cstddef>
#include <span>
#include <thread>
#include <vector>

namespace runed::embed::native {

/// Brings parts of a mapped file into this process before they are read, on a thread of its own: a
/// page costs a fifth there of what it costs to stumble upon it, and the cores are idle anyway
/// while a start does what only one of them can. Nothing waits for it; what is read first is
/// faulted in as ever.
class PagePopulator {
 public:
  /// Starts with the first part. Does nothing where the kernel cannot do it, or has no thread left.
  /// Needs: parts that stay mapped as long as this lives.
  explicit PagePopulator(std::vector<std::span<const std::byte>> parts);

 private:
  std::jthread thread_;  // Its destructor waits for the piece under way, and no longer.
};

}  // namespace runed::embed::native
