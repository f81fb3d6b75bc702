#include "daemon/route/centroid_set.hpp"

#include <limits>

#include "centroid_content.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::daemon::centroid_version;
using runed::daemon::CentroidContent;
using runed::daemon::CentroidSet;
using runed::test::make_content;
using runed::test::make_set;
using runed::test::random_floats;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

CentroidContent two_rows(const std::string& preset) {
  return {.version = "v",
          .preset = preset,
          .dim = 2,
          .count = 2,
          .floats = {1, 0, 0.5, 0.5},
          .ragged = {}};
}

CentroidSet untagged(uint32_t dim, std::vector<float> floats) {
  return make_set({.version = "v",
                   .preset = "",
                   .dim = dim,
                   .count = static_cast<uint32_t>(floats.size() / dim),
                   .floats = std::move(floats),
                   .ragged = {}});
}

uint32_t naive_assign(const CentroidSet& set, const std::vector<float>& vector) {
  double best = -std::numeric_limits<double>::infinity();
  uint32_t nearest = 0;
  for (uint32_t id = 0; id < set.count(); ++id) {
    double sum = 0;
    for (uint32_t i = 0; i < set.dim(); ++i) {
      sum += double{set.floats()[size_t{id} * set.dim() + i]} * double{vector[i]};
    }
    if (sum > best) {
      best = sum;
      nearest = id;
    }
  }
  return nearest;
}

}  // namespace

TEST_CASE("a set has the version that the predecessor gives it") {
  CHECK(centroid_version(two_rows("IP1")) ==
        "sha256:38c64ed24d2c5e014e238f0590d714f6d13b450384435c24845bf8391e2df92f");
  CHECK(centroid_version(two_rows("IP2")) ==
        "sha256:166e794e652d2a1ed18cb749b162f7c2502c49856ac809446388649b6463003e");
  CentroidContent unit{.version = "",
                       .preset = "IP1",
                       .dim = 1024,
                       .count = 1,
                       .floats = std::vector<float>(1024),
                       .ragged = {}};
  unit.floats[0] = 1;
  CHECK(centroid_version(unit) ==
        "sha256:1d81f4adee1603c7cea6971471daa6e8e97d36b209d7d052f916c3b618b5ad15");
}

TEST_CASE("a set is refused in the predecessor's words") {
  const auto message = [](const CentroidContent& content, std::optional<uint32_t> dim = 2) {
    const Error error = unwrap_error(CentroidSet::make(content, dim));
    CHECK(error.code == ErrorCode::invalid_argument);
    return error.message;
  };
  CentroidContent content = two_rows("IP1");
  CHECK(message(content) ==
        "route: centroid content does not match its version tag "
        "(sha256:38c64ed24d2c5e014e238f0590d714f6d13b450384435c24845bf8391e2df92f, not 'v')");
  // Each fault is named before the one above it.
  content.ragged = {.row = 1, .length = 3};
  CHECK(message(content) == "route: centroid 1 has dim 3, want 2");
  CHECK(message(content, std::nullopt) == "route: centroid 1 has dim 3, want 2");
  CHECK(message(content, 1024) == "route: centroid dim 2 does not match embedding dim 1024");
  content.dim = 0;
  CHECK(message(content, std::nullopt) == "route: centroid dim 0 does not match any embedding");
  content.version = "";
  CHECK(message(content, 1024) == "route: centroid set is empty");
  content = two_rows("");
  content.count = 0;
  CHECK(message(content, 1024) == "route: centroid set is empty");
}

TEST_CASE("without a preset any version will do") {
  const CentroidSet set = unwrap(CentroidSet::make(two_rows(""), 2));
  CHECK(set.version() == "v");
  CHECK(set.count() == 2);
}

TEST_CASE("a set keeps what it was made of") {
  const CentroidContent content = make_content(3, 5);
  const CentroidSet set = make_set(content);
  CHECK(set.version() == content.version);
  CHECK(set.preset() == "IP1");
  CHECK(set.dim() == 5);
  CHECK(std::vector(set.floats().begin(), set.floats().end()) == content.floats);
}

TEST_CASE("a vector is assigned as by the naive loop, at every length") {
  for (const uint32_t dim : {1U, 2U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 32U, 33U, 256U, 1024U}) {
    const CentroidSet set = make_set(make_content(50, dim));
    for (int i = 0; i < 20; ++i) {
      const auto vector = random_floats(dim);
      CAPTURE(dim, i);
      CHECK(set.assign(vector) == naive_assign(set, vector));
    }
  }
}

TEST_CASE("every centroid can be the nearest, and every float counts") {
  constexpr uint32_t kDim = 37;
  std::vector<float> identity(size_t{kDim} * kDim);
  for (uint32_t i = 0; i < kDim; ++i) identity[size_t{i} * kDim + i] = 1;
  const CentroidSet set = untagged(kDim, identity);
  for (uint32_t i = 0; i < kDim; ++i) {
    std::vector<float> vector(kDim + 1);  // Not aligned.
    vector[1 + i] = 1;
    CHECK(set.assign(std::span(vector).subspan(1)) == i);
  }
}

TEST_CASE("of equals the first is the nearest") {
  auto rows = random_floats(100);
  const std::vector<float> best(100, 1);
  std::vector<float> floats = rows;
  for (int i = 0; i < 3; ++i) floats.insert(floats.end(), best.begin(), best.end());
  CHECK(untagged(100, floats).assign(best) == 1);
  CHECK(untagged(2, {1, 0, 1, 0}).assign(std::vector<float>{0, 1}) == 0);
}

TEST_CASE("sums are of f64: f32 would lose the difference") {
  // 2^24 + 1 is no f32.
  CHECK(untagged(3, {16777216, 0, 0, 16777216, 1, 0, 16777216, 1, 1})
            .assign(std::vector<float>{1, 1, 1}) == 2);
}

TEST_CASE("a centroid that is not finite is refused") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, infinity, -infinity}) {
    CentroidContent content = make_content(3, 2);
    content.floats[5] = bad;
    const Error error = unwrap_error(CentroidSet::make(std::move(content), 2));
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK(error.message == "route: centroid 2 has a value that is not finite");
  }
}
