#include "daemon/route/centroid_file.hpp"

#include <array>
#include <cstring>

#include "base/sha256.hpp"
#include "centroid_content.hpp"
#include "support/file_size_limit.hpp"
#include "support/temp_dir.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::daemon::CentroidSet;
using runed::daemon::kMostCentroids;
using runed::daemon::parse_centroid_file;
using runed::daemon::read_centroid_file;
using runed::daemon::write_centroid_file;
using runed::test::FileSizeLimit;
using runed::test::make_content;
using runed::test::make_set;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

constexpr size_t kDigestBytes = 64;

std::string file_of(const CentroidSet& set) {
  const TempDir dir;
  unwrap(write_centroid_file(dir / "set", set));
  return read_text(dir / "set");
}

// Ends the bytes with the digest that is right for them.
std::string sealed(std::string bytes) {
  return bytes + runed::sha256_hex(bytes);
}

std::string with_number(const std::string& file, size_t offset, uint32_t number) {
  std::string bytes = file.substr(0, file.size() - kDigestBytes);
  std::memcpy(bytes.data() + offset, &number, sizeof number);
  return sealed(bytes);
}

std::string fault(const std::string& bytes) {
  const Error error = unwrap_error(parse_centroid_file(bytes));
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message.starts_with("route: cache verify: "));
  return error.message.substr(std::string_view("route: cache verify: ").size());
}

}  // namespace

TEST_CASE("a set comes back from its file as it was") {
  const TempDir dir;
  auto legacy = make_content(1, 1, "");
  legacy.version = "any tag \xC3\xA4";
  for (const auto& content : {make_content(7, 33), legacy}) {
    unwrap(write_centroid_file(dir / "set", make_set(content)));
    const CentroidSet set = unwrap(read_centroid_file(dir / "set"));
    CHECK(set.version() == content.version);
    CHECK(set.preset() == content.preset);
    CHECK(set.dim() == content.dim);
    CHECK(set.count() == content.count);
    CHECK(std::vector(set.floats().begin(), set.floats().end()) == content.floats);
  }
  CHECK(mode_of(dir / "set") == 0600);
}

TEST_CASE("a file that is not there is not found") {
  const TempDir dir;
  CHECK(unwrap_error(read_centroid_file(dir / "none")).code == ErrorCode::not_found);
}

TEST_CASE("no bit of the file can change unnoticed, and no byte be missing or too many") {
  const std::string file = file_of(make_set(make_content(2, 3)));
  for (size_t i = 0; i < file.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = file;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      CHECK_FALSE(parse_centroid_file(flipped).has_value());
    }
    CHECK_FALSE(parse_centroid_file(std::string_view(file).substr(0, i)).has_value());
  }
  CHECK_FALSE(parse_centroid_file(file + '\0').has_value());
  CHECK(parse_centroid_file(file).has_value());
}

TEST_CASE("what is wrong with a file is told") {
  const std::string file = file_of(make_set(make_content(2, 3)));
  CHECK(fault("") == "the file is cut short");
  CHECK(fault(std::string(1000, 'x')) == "not a file of centroids");
  CHECK(fault(with_number(file, 8, 2)) == "format 2 is unknown");
  CHECK(fault(with_number(file, 12, 4)) == "the file has not the size that it tells");
  std::string flipped = file;
  flipped[file.size() - kDigestBytes - 1] ^= 1;
  CHECK(fault(flipped) == "the content does not match its digest");
}

TEST_CASE("sizes of a file that is sealed are bounded all the same") {
  const std::string file = file_of(make_set(make_content(2, 3)));
  const std::string out_of_bounds = "a size is out of bounds";
  CHECK(fault(with_number(file, 12, 0)) == out_of_bounds);
  CHECK(fault(with_number(file, 12, 0xFFFFFFFF)) == out_of_bounds);
  CHECK(fault(with_number(file, 16, 0)) == out_of_bounds);
  CHECK(fault(with_number(file, 16, kMostCentroids + 1)) == out_of_bounds);
  CHECK(fault(with_number(file, 20, 0xFFFFFFFF)) == out_of_bounds);
  CHECK(fault(with_number(file, 24, 0xFFFFFFFF)) == out_of_bounds);
}

TEST_CASE("the digest of the version is checked again") {
  const std::string file = file_of(make_set(make_content(2, 3)));
  const size_t last_float = file.size() - kDigestBytes - sizeof(float);
  CHECK(fault(with_number(file, last_float, 0x3F800000))
            .starts_with("route: centroid content does not match its version tag ("));
  auto legacy = make_content(1, 1, "");
  legacy.version = "\xFF";
  CHECK(fault(file_of(make_set(legacy))) == "the version is not UTF-8");
}

TEST_CASE("a file that cannot be written leaves the old one") {
  const TempDir dir;
  const auto old = make_content(2, 3);
  unwrap(write_centroid_file(dir / "set", make_set(old)));
  {
    const FileSizeLimit full(1000);
    CHECK(unwrap_error(write_centroid_file(dir / "set", make_set(make_content(100, 100)))).code ==
          ErrorCode::io);
  }
  CHECK(unwrap(read_centroid_file(dir / "set")).version() == old.version);
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}
