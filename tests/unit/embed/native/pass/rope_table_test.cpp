#include "embed/native/pass/rope_table.hpp"

#include <algorithm>
#include <cmath>

#include "support/catch.hpp"

using runed::embed::native::RopeTable;

namespace {

void check_position(const RopeTable& table, float base, uint32_t head_width, size_t position) {
  INFO("heads of " << head_width << ", position " << position);
  for (size_t i = 0; i < head_width / 2; ++i) {
    const double angle =
        static_cast<double>(position) *
        std::pow(static_cast<double>(base), -2 * static_cast<double>(i) / head_width);
    CHECK(table.cosines(position)[i] == static_cast<float>(std::cos(angle)));
    CHECK(table.sines(position)[i] == static_cast<float>(std::sin(angle)));
  }
}

}  // namespace

TEST_CASE("each pair turns by its own frequency, exact to the float as far as texts reach") {
  for (const float base : {1e5F, 1e6F}) {
    for (const uint32_t head_width : {2U, 18U, 128U}) {
      RopeTable table(base, head_width);
      table.extend(32768);
      for (const size_t position : {0U, 1U, 2U, 511U, 32767U}) {
        check_position(table, base, head_width, position);
      }
    }
  }
}

TEST_CASE("the first position turns nothing, the first pair turns by one radian a position") {
  RopeTable table(1e6F, 18);
  table.extend(3);
  CHECK(std::all_of(table.cosines(0), table.cosines(0) + 9, [](float x) { return x == 1.0F; }));
  CHECK(std::all_of(table.sines(0), table.sines(0) + 9, [](float x) { return x == 0.0F; }));
  CHECK(static_cast<double>(table.cosines(2)[0]) == Approx(std::cos(2.0)));
  CHECK(static_cast<double>(table.sines(2)[0]) == Approx(std::sin(2.0)));
}

TEST_CASE("a table that grows bit by bit is the one that was made at once") {
  RopeTable grown(1e6F, 18);
  for (const size_t positions : {1U, 5U, 3U, 0U, 6U, 40U}) grown.extend(positions);
  RopeTable whole(1e6F, 18);
  whole.extend(40);
  CHECK(std::equal(whole.cosines(0), whole.cosines(40), grown.cosines(0)));
  CHECK(std::equal(whole.sines(0), whole.sines(40), grown.sines(0)));
}
