#include "embed/native/run/arena.hpp"

#include <cstdint>

#include "support/catch.hpp"

using runed::embed::native::Arena;

namespace {

struct Spans {
  std::span<float> first;
  std::span<float> second;
  std::span<float> third;
};

// The second and the third in the same place.
Spans lay_out(Arena& arena, size_t count) {
  return arena.lay_out([count](Arena& memory) {
    Spans spans;
    spans.first = memory.take(count);
    memory.overlay([&] { spans.second = memory.take(2 * count); },
                   [&] { spans.third = memory.take(count); });
    return spans;
  });
}

}  // namespace

TEST_CASE("an arena hands out aligned memory that overlaps only where asked") {
  Arena arena;
  const Spans spans = lay_out(arena, 17);
  CHECK(spans.first.size() == 17);
  CHECK(spans.second.size() == 34);
  CHECK(spans.second.data() >= spans.first.data() + 17);
  CHECK(spans.third.data() == spans.second.data());
  for (const float* start : {spans.first.data(), spans.second.data()}) {
    CHECK(reinterpret_cast<uintptr_t>(start) % 64 == 0);
  }
  CHECK(arena.capacity_bytes() == (32 + 48) * sizeof(float));
}

TEST_CASE("an arena grows, stays for a smaller layout, and gives its memory back") {
  Arena arena;
  lay_out(arena, 16);
  lay_out(arena, 160);
  const size_t grown = arena.capacity_bytes();
  CHECK(grown == 3 * 160 * sizeof(float));
  lay_out(arena, 1);
  CHECK(arena.capacity_bytes() == grown);
  arena.release();
  CHECK(arena.capacity_bytes() == 0);
}
