#include "bootstrap/install/last_used.hpp"

#include <filesystem>

#include "os/file/files.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_environment.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::bootstrap::find_last_used;
using runed::bootstrap::note_used;
using runed::bootstrap::used_directory;
using runed::bootstrap::used_marker;
using runed::test::FakeClock;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  runed::test::TempDir home;
  runed::bootstrap::Paths paths =
      unwrap(runed::bootstrap::resolve_paths(runed::test::FakeEnvironment{}, home.path()));
  FakeClock clock;
};

}  // namespace

TEST_CASE("a variant was last used when that was noted last") {
  Fixture fixture;
  CHECK_FALSE(find_last_used(fixture.paths, "m.q8_0").has_value());
  unwrap(note_used(fixture.paths, "m.q8_0", fixture.clock));
  CHECK(find_last_used(fixture.paths, "m.q8_0") == fixture.clock.system_now().time_since_epoch());
  fixture.clock.advance(90min);
  unwrap(note_used(fixture.paths, "m.q8_0", fixture.clock));
  CHECK(find_last_used(fixture.paths, "m.q8_0") == fixture.clock.system_now().time_since_epoch());
  CHECK_FALSE(find_last_used(fixture.paths, "m.f16").has_value());
  unwrap(note_used(fixture.paths, "builtin:runed-mini", fixture.clock));
  CHECK(find_last_used(fixture.paths, "builtin:runed-mini").has_value());
}

TEST_CASE("the directories of the markers are for their owner only") {
  Fixture fixture;
  unwrap(note_used(fixture.paths, "m.q8_0", fixture.clock));
  for (const std::string& path : {fixture.paths.cache_dir, used_directory(fixture.paths)}) {
    CHECK(unwrap(runed::os::file_owner(path)).mode == 0700U);
  }
  CHECK(unwrap(runed::os::file_owner(used_marker(fixture.paths, "m.q8_0"))).mode == 0600U);
}

TEST_CASE("what cannot be noted is told") {
  Fixture fixture;
  for (const char* name : {"", ".", "..", "../m", "a/b"}) {
    CAPTURE(name);
    CHECK(unwrap_error(note_used(fixture.paths, name, fixture.clock)).code ==
          ErrorCode::invalid_argument);
  }
  std::filesystem::create_directories(used_marker(fixture.paths, "m.q8_0"));
  CHECK_FALSE(note_used(fixture.paths, "m.q8_0", fixture.clock).has_value());
  CHECK_FALSE(find_last_used(fixture.paths, "m.q8_0").has_value());
  std::filesystem::create_directories(fixture.home / "other");
  runed::test::write_text(fixture.home / "other/cache", "a file");
  fixture.paths.cache_dir = fixture.home / "other/cache";
  CHECK_FALSE(note_used(fixture.paths, "m.q8_0", fixture.clock).has_value());
}
