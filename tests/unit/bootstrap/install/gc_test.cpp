#include "bootstrap/install/gc.hpp"

#include <algorithm>

#include "bootstrap/install/last_used.hpp"
#include "install_fixture.hpp"
#include "os/file/fd.hpp"
#include "os/file/files.hpp"
#include "support/eventually.hpp"

using runed::bootstrap::collect;
using runed::bootstrap::EngineKind;
using runed::bootstrap::find_last_used;
using runed::bootstrap::GcItem;
using runed::bootstrap::GcOptions;
using runed::bootstrap::note_used;
using runed::bootstrap::Origin;
using runed::bootstrap::Part;
using runed::bootstrap::plan_gc;
using runed::bootstrap::Settings;
using runed::test::InstallFixture;
using runed::test::unwrap;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace {

/// A clock that is ahead of the machine's, so that everything on disk has an age.
class LaterClock final : public runed::Clock {
 public:
  explicit LaterClock(std::chrono::nanoseconds ahead) : ahead_(ahead) {}
  runed::SteadyTime steady_now() const override { return clock_.steady_now(); }
  runed::SystemTime system_now() const override {
    return clock_.system_now() + std::chrono::duration_cast<runed::SystemTime::duration>(ahead_);
  }

 private:
  runed::SystemClock clock_;
  std::chrono::nanoseconds ahead_;
};

struct Fixture : InstallFixture {
  Fixture() { settings.manifest = {manifest_file(), Origin::environment}; }

  // Puts a variant in place as an installation would.
  void add(const std::string& variant) const {
    write_text(model_file(variant), "GGUF");
    auto known = installed();
    known.variants[variant] = {.url = "u", .sha256 = "s", .path = model_file(variant)};
    unwrap(known.write(paths.installed_file));
  }

  // Paths below the home of what would go.
  std::vector<std::string> plan(const GcOptions& options = {},
                                std::chrono::nanoseconds ahead = 0ns) const {
    std::vector<std::string> names;
    for (const GcItem& item : unwrap(plan_gc(paths, settings, options, LaterClock(ahead))).items) {
      names.push_back(item.path.substr(paths.home.size() + 1));
    }
    std::ranges::sort(names);
    return names;
  }

  Settings settings;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("variants that nothing names go, with their entry") {
  const Fixture fixture;
  unwrap(fixture.install({.parts = {Part::model}, .variant = "small"}));
  unwrap(fixture.install({.parts = {Part::model}, .variant = "large"}));
  const auto items = unwrap(plan_gc(fixture.paths, fixture.settings, {}, fixture.clock)).items;
  REQUIRE(items.size() == 1);
  CHECK(items[0].kind == GcItem::Kind::variant);
  CHECK(items[0].size_bytes == fixture.large.size());
  unwrap(collect(fixture.paths, items));
  CHECK_FALSE(std::filesystem::exists(fixture.model_file("m.large")));
  CHECK(std::filesystem::exists(fixture.model_file("m.small")));
  CHECK(fixture.installed().variants.size() == 1);
  CHECK(fixture.plan().empty());
}

TEST_CASE("what is configured, the manifest's default, or running stays") {
  Fixture fixture;
  for (const char* name : {"m.small", "a", "b", "c"}) fixture.add(name);
  fixture.settings.model_variant = {"a", Origin::config};
  CHECK(fixture.plan({.running_variant = "b"}) == Names{"models/c.gguf"});
  fixture.settings.model = {fixture.model_file("c"), Origin::flag};  // Stronger than the variant.
  CHECK(fixture.plan({.running_variant = "b"}).empty());
  // By another name for the same directory.
  std::filesystem::create_directory_symlink(fixture.paths.home, fixture.dir / "link");
  fixture.settings.model = {fixture.dir / "link/models/c.gguf", Origin::flag};
  CHECK(fixture.plan({.running_variant = "b"}).empty());
}

TEST_CASE("the newest of the unused are kept when asked for") {
  Fixture fixture;
  fixture.settings.model_variant = {"builtin:runed-mini", Origin::config};
  std::chrono::nanoseconds before{};
  for (const char* name : {"a", "b", "c"}) {
    // The change time is what tells their age, and it advances in the kernel's steps.
    REQUIRE(runed::test::eventually([&] {
      fixture.add(name);
      return unwrap(runed::os::file_identity(fixture.model_file(name))).changed > before;
    }));
    before = unwrap(runed::os::file_identity(fixture.model_file(name))).changed;
  }
  CHECK(fixture.plan({.keep = 1}) == Names{"models/a.gguf", "models/b.gguf"});
  CHECK(fixture.plan({.keep = 3}).empty());
}

TEST_CASE("what is younger than asked for stays") {
  Fixture fixture;
  fixture.settings.model_variant = {"builtin:runed-mini", Origin::config};
  fixture.add("a");
  CHECK(fixture.plan({.older_than = 24h}).empty());
  CHECK(fixture.plan({.older_than = 24h}, 25h) == Names{"models/a.gguf"});
}

TEST_CASE("what was used within the age that is asked for stays") {
  Fixture fixture;
  fixture.settings.model_variant = {"builtin:runed-mini", Origin::config};
  for (const char* name : {"a", "b", "c"}) fixture.add(name);
  unwrap(note_used(fixture.paths, "b", LaterClock(48h)));
  CHECK(fixture.plan({.older_than = 24h}, 49h) == Names{"models/a.gguf", "models/c.gguf"});
  CHECK(fixture.plan({.keep = 2}, 49h).size() == 1);
  CHECK(fixture.plan({.keep = 1}, 49h) == Names{"models/a.gguf", "models/c.gguf"});
  CHECK(fixture.plan({.older_than = 24h}, 73h).size() == 3);
}

TEST_CASE("the marker of a variant goes with it, and one that is left over goes by itself") {
  Fixture fixture;
  fixture.settings.model_variant = {"builtin:runed-mini", Origin::config};
  fixture.add("a");
  write_text(fixture.model_file("mine"), "GGUF");
  for (const char* name : {"a", "mine", "gone", "builtin:runed-mini"}) {
    unwrap(note_used(fixture.paths, name, fixture.clock));
  }
  CHECK(fixture.plan() == Names{"cache/used/gone", "models/a.gguf"});
  CHECK(fixture.plan({.older_than = 24h}).empty());
  const auto items = unwrap(plan_gc(fixture.paths, fixture.settings, {}, fixture.clock)).items;
  CHECK(name_of(items.back().kind) == "last_used");
  unwrap(collect(fixture.paths, items));
  CHECK_FALSE(find_last_used(fixture.paths, "a").has_value());
  CHECK_FALSE(find_last_used(fixture.paths, "gone").has_value());
  CHECK(find_last_used(fixture.paths, "mine").has_value());
  CHECK(fixture.plan().empty());
}

TEST_CASE("what config.json names stays, whatever this shell names") {
  Fixture fixture;
  for (const char* name : {"m.one", "m.two", "m.three", "m.four"}) fixture.add(name);
  write_text(fixture.paths.config_file, R"({"model_variant":"one"})");
  fixture.settings.model_variant = {"builtin:runed-mini", Origin::environment};
  fixture.settings.models = {{{.name = "notes", .variant = "two"},
                              {.name = "mine", .path = fixture.model_file("m.three")}},
                             Origin::config};
  CHECK(fixture.plan() == Names{"models/m.four.gguf"});
}

TEST_CASE("a file that a process has open stays") {
  Fixture fixture;
  fixture.settings.model_variant = {"builtin:runed-mini", Origin::config};
  fixture.add("a");
  {
    const auto held = unwrap(runed::os::open_fd(fixture.model_file("a"), 0));
    CHECK(fixture.plan().empty());
  }
  CHECK(fixture.plan() == Names{"models/a.gguf"});
}

TEST_CASE("partial files go once nobody went on with them for a week") {
  const Fixture fixture;
  write_text(fixture.model_file("m.small") + ".partial", "GG");
  write_text(fixture.model_file("m.small") + ".partial.json", "{}");
  CHECK(fixture.plan({}, 6 * 24h).empty());
  CHECK(fixture.plan({}, 8 * 24h) ==
        Names{"models/m.small.gguf.partial", "models/m.small.gguf.partial.json"});
}

TEST_CASE("left-overs of what was killed go, rotated logs and foreign copies of manifests too") {
  const Fixture fixture;
  std::filesystem::create_directories(fixture.paths.bin_dir + "/.llama-cpp-abc/build");
  write_text(fixture.paths.bin_dir + "/.llama-cpp-abc/build/x", "x");
  write_text(fixture.paths.cache_dir + "/llama-server.tar.gz", "x");
  write_text(fixture.paths.cache_dir + "/manifest-0123456789abcdef.json", "x");
  write_text(fixture.paths.cache_dir + "/record.json", "{}");
  write_text(fixture.paths.home + "/installed.json.tmp-abcdef", "x");
  write_text(fixture.paths.logs_dir + "/daemon.log", "x");
  write_text(fixture.paths.logs_dir + "/daemon.log.1", "x");
  CHECK(fixture.plan() == Names{"bin/.llama-cpp-abc", "cache/llama-server.tar.gz",
                                "cache/manifest-0123456789abcdef.json", "logs/daemon.log.1"});
  CHECK(fixture.plan({}, 2h).size() == 5);  // The temporary file is old enough to be nobody's.
  unwrap(collect(fixture.paths,
                 unwrap(plan_gc(fixture.paths, fixture.settings, {}, LaterClock(2h))).items));
  CHECK(fixture.plan({}, 2h).empty());
  CHECK(std::filesystem::exists(fixture.paths.logs_dir + "/daemon.log"));
}

TEST_CASE("what a llama-server worked with goes once none has it open") {
  const Fixture fixture;
  std::filesystem::create_directories(fixture.paths.cache_dir + "/engine-abcdef");
  const std::string log = fixture.paths.cache_dir + "/engine-abcdef/llama-server.log";
  write_text(log, "x");
  write_text(fixture.paths.builtin_model_copy, "GGUF");
  CHECK(fixture.plan().empty());  // A process may be about to open them.
  {
    const auto copy = unwrap(runed::os::open_fd(fixture.paths.builtin_model_copy, 0));
    const auto open_log = unwrap(runed::os::open_fd(log, 0));
    CHECK(fixture.plan({}, 2h).empty());
  }
  CHECK(fixture.plan({}, 2h) == Names{"cache/builtin.gguf", "cache/engine-abcdef"});
}

TEST_CASE("a llama-server goes when another engine is configured") {
  Fixture fixture;
  unwrap(fixture.install_all());
  CHECK(fixture.plan().empty());
  fixture.settings.engine = {EngineKind::native, Origin::config};
  const auto items = unwrap(plan_gc(fixture.paths, fixture.settings, {}, fixture.clock)).items;
  REQUIRE(items.size() == 1);
  CHECK(items[0].kind == GcItem::Kind::llama_server);
  unwrap(collect(fixture.paths, items));
  CHECK(std::filesystem::is_empty(fixture.paths.llama_cpp_dir));
  CHECK_FALSE(fixture.installed().llama_server.has_value());
}

TEST_CASE("where it is not known what is in use no variant goes, and the rest does") {
  Fixture fixture;
  fixture.settings.manifest = {"builtin:", Origin::default_value};
  for (const char* name : {"a", "b"}) fixture.add(name);
  write_text(fixture.paths.logs_dir + "/daemon.log.1", "old");
  const auto look = [&](const GcOptions& options = {}) {
    return unwrap(plan_gc(fixture.paths, fixture.settings, options, fixture.clock));
  };
  REQUIRE(look().doubt.has_value());
  CHECK(look().doubt->message == "several variants are installed and none is chosen: a, b");
  CHECK(fixture.plan() == std::vector<std::string>{"logs/daemon.log.1"});
  fixture.settings.model_variant = {"a", Origin::config};
  CHECK_FALSE(look().doubt.has_value());
  CHECK(fixture.plan() == std::vector<std::string>{"logs/daemon.log.1", "models/b.gguf"});
  CHECK(fixture.plan({.knows_settings = false}) == std::vector<std::string>{"logs/daemon.log.1"});
  write_text(fixture.paths.installed_file, "{");
  CHECK(look().doubt->message.find("installed.json': it is damaged") != std::string::npos);
  unwrap(collect(fixture.paths, look().items));
  CHECK(std::filesystem::exists(fixture.model_file("b")));
  CHECK_FALSE(std::filesystem::exists(fixture.paths.logs_dir + "/daemon.log.1"));
}

TEST_CASE("what was put in place by hand stays: nobody could fetch it again") {
  Fixture fixture;
  fixture.settings.model_variant = {"builtin:runed-mini", Origin::config};
  write_text(fixture.model_file("mine"), "GGUF");
  CHECK(fixture.plan().empty());
}

TEST_CASE("what is served when none is named stays, whatever this shell names") {
  Fixture fixture;
  unwrap(fixture.install_all());
  fixture.settings.manifest = {"builtin:", Origin::default_value};
  fixture.settings.model_variant = {"builtin:runed-mini", Origin::environment};
  CHECK(fixture.plan().empty());
}
