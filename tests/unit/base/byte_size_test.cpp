#include "base/byte_size.hpp"

#include <limits>

#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::format_byte_size;
using runed::parse_byte_size;
using runed::test::unwrap;
using runed::test::unwrap_error;

TEST_CASE("a size is a whole number of bytes, or of a unit") {
  const std::vector<std::pair<const char*, uint64_t>> cases{
      {"0", 0},
      {"1024", 1024},
      {"7B", 7},
      {"500MB", 500'000'000},
      {"600MiB", uint64_t{600} << 20},
      {"2GiB", uint64_t{2} << 30},
      {"2gib", uint64_t{2} << 30},
      {"3kb", 3000},
      {"1KiB", 1024},
      {"4GB", 4'000'000'000},
      {"1TiB", uint64_t{1} << 40},
      {"1TB", 1'000'000'000'000},
      {"18446744073709551615", std::numeric_limits<uint64_t>::max()},
  };
  for (const auto& [text, bytes] : cases) {
    CAPTURE(text);
    CHECK(unwrap(parse_byte_size(text)) == bytes);
  }
}

TEST_CASE("what is no size is refused, and so is one that no number holds") {
  for (const char* text : {"", "MiB", "-1", "+1", "1.5GiB", "2G", "2 GiB", "2GiBs", "half",
                           "18446744073709551616", "16777216TiB"}) {
    CAPTURE(text);
    const auto error = unwrap_error(parse_byte_size(text));
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK(error.message == std::string("invalid size '") + text + "'");
    CHECK(error.hint ==
          "write a whole number of bytes, or one with a unit, such as 600MiB, 2GiB or 500MB");
  }
}

TEST_CASE("a size is shown in the largest unit that is exact, and reads as the same") {
  const std::vector<std::pair<uint64_t, const char*>> cases{
      {0, "0"},
      {1025, "1025"},
      {3000, "3KB"},
      {uint64_t{600} << 20, "600MiB"},
      {500'000'000, "500MB"},
      {uint64_t{2} << 30, "2GiB"},
      {std::numeric_limits<uint64_t>::max(), "18446744073709551615"},
  };
  for (const auto& [bytes, text] : cases) {
    CHECK(format_byte_size(bytes) == text);
    CHECK(unwrap(parse_byte_size(text)) == bytes);
  }
}
