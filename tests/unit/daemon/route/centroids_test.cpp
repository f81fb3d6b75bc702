#include "daemon/route/centroids.hpp"

#include <unistd.h>

#include <thread>

#include "centroid_content.hpp"
#include "daemon/route/centroid_file.hpp"
#include "support/temp_dir.hpp"

using runed::daemon::Centroids;
using runed::daemon::CentroidSet;
using runed::daemon::read_centroid_file;
using runed::daemon::write_centroid_file;
using runed::test::make_content;
using runed::test::make_set;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::write_text;

namespace {

/// A file for a set, and the log in another one.
struct Fixture {
  // Runs it and returns what it logs.
  template <typename Action>
  std::string logged(const Action& action) {
    std::fflush(stderr);
    const int before = ::dup(STDERR_FILENO);
    REQUIRE(std::freopen((dir / "log").c_str(), "w", stderr) != nullptr);
    action();
    std::fflush(stderr);
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    const std::string text = read_text(dir / "log");
    const size_t level = text.find("\"level\"");
    return level == std::string::npos ? text : text.substr(level);
  }

  TempDir dir;
  runed::SystemClock clock;
  runed::Log log{runed::Log::Format::json, clock};
  std::string path = dir / "centroids.bin";
};

}  // namespace

TEST_CASE("a set that is installed is in force, in its file, and restored by the next daemon") {
  Fixture fixture;
  const auto content = make_content(3, 4);
  {
    Centroids centroids(fixture.path, fixture.log);
    CHECK(centroids.get() == nullptr);
    CHECK(centroids.find(4) == nullptr);
    CHECK(fixture.logged([&] { centroids.install(make_set(content)); }) ==
          "\"level\":\"INFO\",\"msg\":\"centroids: set installed\",\"version\":\"" +
              content.version + "\",\"nlist\":3,\"dim\":4}\n");
    REQUIRE(centroids.get() != nullptr);
    CHECK(centroids.get()->version() == content.version);
  }
  Centroids next(fixture.path, fixture.log);
  CHECK(fixture.logged([&] { next.restore(); }) ==
        "\"level\":\"INFO\",\"msg\":\"centroid cache restored\",\"version\":\"" + content.version +
            "\",\"nlist\":3}\n");
  REQUIRE(next.find(4) != nullptr);
  CHECK(next.find(4)->version() == content.version);
}

TEST_CASE("a missing file is restored in silence") {
  Fixture fixture;
  Centroids centroids(fixture.path, fixture.log);
  CHECK(fixture.logged([&] { centroids.restore(); }).empty());
  CHECK(centroids.get() == nullptr);
}

TEST_CASE("a file with a flipped bit is rejected and left as it is") {
  Fixture fixture;
  unwrap(write_centroid_file(fixture.path, make_set(make_content(3, 4))));
  std::string bytes = read_text(fixture.path);
  bytes[bytes.size() / 2] ^= 4;
  write_text(fixture.path, bytes);
  Centroids centroids(fixture.path, fixture.log);
  const std::string log = fixture.logged([&] { centroids.restore(); });
  CHECK(log.starts_with("\"level\":\"WARN\",\"msg\":\"centroid cache rejected\""));
  CHECK(log.find("route: cache verify: the content does not match its digest") !=
        std::string::npos);
  CHECK(centroids.get() == nullptr);
  CHECK(read_text(fixture.path) == bytes);
}

TEST_CASE("a set of another model is not there, which is told once") {
  Fixture fixture;
  const auto content = make_content(3, 4);
  unwrap(write_centroid_file(fixture.path, make_set(content)));
  Centroids centroids(fixture.path, fixture.log);
  centroids.restore();
  CHECK(fixture.logged([&] { CHECK(centroids.find(1024) == nullptr); }) ==
        "\"level\":\"WARN\",\"msg\":\"centroid cache rejected\",\"version\":\"" + content.version +
            "\",\"dim\":4,\"embedding_dim\":1024}\n");
  CHECK(fixture.logged([&] { CHECK(centroids.find(1024) == nullptr); }).empty());
  CHECK(centroids.get() != nullptr);
  CHECK(unwrap(read_centroid_file(fixture.path)).version() == content.version);
  centroids.install(make_set(make_content(1, 1024)));
  CHECK(centroids.find(1024) != nullptr);
}

TEST_CASE("a set that cannot be written is in force all the same") {
  Fixture fixture;
  Centroids centroids(fixture.dir / "none/centroids.bin", fixture.log);
  const auto content = make_content(3, 4);
  const std::string log = fixture.logged([&] { centroids.install(make_set(content)); });
  CHECK(
      log.starts_with("\"level\":\"WARN\",\"msg\":\"centroids: persist failed (set is live in "
                      "memory)\""));
  CHECK(centroids.get()->version() == content.version);
}

TEST_CASE("however many install at once, the file has the set that is in force") {
  Fixture fixture;
  Centroids centroids(fixture.path, fixture.log);
  std::vector<CentroidSet> sets;
  for (uint32_t i = 1; i <= 4; ++i) sets.push_back(make_set(make_content(i, 4)));
  for (int round = 0; round < 10; ++round) {
    std::vector<std::thread> threads;
    for (const CentroidSet& set : sets) {
      threads.emplace_back([&] { centroids.install(set); });
    }
    for (auto& thread : threads) thread.join();
    CHECK(unwrap(read_centroid_file(fixture.path)).version() == centroids.get()->version());
  }
}
