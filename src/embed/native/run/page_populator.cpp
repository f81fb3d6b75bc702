#include "embed/native/run/page_populator.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "os/machine/memory.hpp"

namespace runed::embed::native {
namespace {

// A piece holds a lock of the kernel's on the map of memory, for which whoever allocates meanwhile
// may wait: some 10 microseconds, or until this thread has a core again. With a disk behind it, a
// stop waits for one piece.
constexpr size_t kPieceBytes = size_t{256} << 10;

void populate(std::span<const std::byte> part, const std::stop_token& stop, bool& works) {
  while (works && !part.empty() && !stop.stop_requested()) {
    const size_t piece = std::min(part.size(), kPieceBytes);
    works = os::populate_pages(part.first(piece));
    part = part.subspan(piece);
  }
}

}  // namespace

PagePopulator::PagePopulator(std::vector<std::span<const std::byte>> parts) {
  try {
    thread_ = std::jthread([parts = std::move(parts)](const std::stop_token& stop) {
      bool works = true;
      for (const std::span<const std::byte> part : parts) populate(part, stop, works);
    });
  } catch (const std::system_error&) {
    // The machine has no more threads to give: whoever reads the pages faults them in.
  }
}

}  // namespace runed::embed::native
