#include "bootstrap/manifest/manifest_source.hpp"

#include <filesystem>

#include "bootstrap/config/setting_table.hpp"
#include "support/http_server.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::bootstrap::cached_manifest;
using runed::bootstrap::DownloadPolicy;
using runed::bootstrap::kBuiltinManifest;
using runed::bootstrap::load_local_manifest;
using runed::bootstrap::load_manifest;
using runed::bootstrap::Manifest;
using runed::bootstrap::Paths;
using runed::bootstrap::Watch;
using runed::test::HttpServer;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::text_body;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace {

constexpr const char* kText = R"({"version":1,"default_model":"first"})";

struct Fixture {
  Fixture() {
    paths.cache_dir = dir / "cache";
    std::filesystem::create_directory(paths.cache_dir);
    serve(kText);
  }

  void serve(const std::string& text) { server.reply("/m.json", {.body = text_body(text)}); }
  runed::Result<Manifest> load(const std::string& url) {
    const Watch watch{.is_cancelled = {},
                      .on_progress = {},
                      .on_event = [this](const std::string& text) { events.push_back(text); }};
    return load_manifest(paths, url, policy, watch);
  }
  runed::Result<Manifest> load() { return load(server.url("/m.json")); }

  TempDir dir;
  Paths paths;
  HttpServer server;
  DownloadPolicy policy{.attempts = 2, .first_wait = 1ms, .longest_wait = 1ms};
  std::vector<std::string> events;
};

}  // namespace

TEST_CASE("without a word from the build the manifest is the one in the executable") {
  Fixture fixture;
  CHECK(std::string(runed::bootstrap::row_of("manifest").default_value) == kBuiltinManifest);
  CHECK(unwrap(fixture.load("builtin:")).default_model() == "qwen3-embedding-0.6b.q8_0");
}

TEST_CASE("a manifest can be a file, by its path or its URL") {
  Fixture fixture;
  write_text(fixture.dir / "m 1.json", kText);
  CHECK(unwrap(fixture.load(fixture.dir / "m 1.json")).default_model() == "first");
  CHECK(unwrap(fixture.load("file://" + (fixture.dir / "m%201.json"))).default_model() == "first");
  const auto missing = unwrap_error(fixture.load(fixture.dir / "none.json"));
  CHECK(missing.code == ErrorCode::bad_config);
  CHECK(missing.message.find("cannot use the manifest '" + (fixture.dir / "none.json")) == 0);
  CHECK(unwrap_error(fixture.load(fixture.dir.path())).message.ends_with("not a regular file"));
}

TEST_CASE("over http there is a warning that says what is at stake") {
  Fixture fixture;
  unwrap(fixture.load());
  REQUIRE(fixture.events.size() == 1);
  CHECK(fixture.events[0].find("whoever is on the way can change which files are trusted") !=
        std::string::npos);
}

TEST_CASE("when the server cannot be reached the last good copy serves") {
  Fixture fixture;
  unwrap(fixture.load());
  fixture.server.reply("/m.json", {.status = 503});
  CHECK(unwrap(fixture.load()).default_model() == "first");
  CHECK(fixture.events.back().find("going on with the copy of it that was fetched before") !=
        std::string::npos);
  CHECK(unwrap(load_local_manifest(fixture.paths, fixture.server.url("/m.json"))).default_model() ==
        "first");
}

TEST_CASE("another manifest's copy does not serve") {
  Fixture fixture;
  unwrap(fixture.load());
  CHECK(unwrap_error(fixture.load(fixture.server.url("/other.json"))).code == ErrorCode::network);
}

TEST_CASE("a manifest that cannot be used is an error, and the good copy stays") {
  Fixture fixture;
  unwrap(fixture.load());
  const std::string copy = cached_manifest(fixture.paths, fixture.server.url("/m.json"));
  for (const std::string& text : {std::string(R"({"version":2})"), std::string("<html>"),
                                  std::string(kText) + "{}", std::string((1 << 20) + 1, ' ')}) {
    CAPTURE(text.substr(0, 40));
    fixture.serve(text);
    CHECK(unwrap_error(fixture.load()).code == ErrorCode::bad_config);
    CHECK(read_text(copy) == kText);
  }
}

TEST_CASE("offline nothing is asked of the server") {
  Fixture fixture;
  fixture.policy.offline = true;
  CHECK(unwrap_error(fixture.load()).code == ErrorCode::network);
  CHECK(fixture.server.seen("/m.json").empty());
}

TEST_CASE("an unknown kind of URL is told with those that are known") {
  Fixture fixture;
  const auto error = unwrap_error(fixture.load("ftp://h/m.json"));
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.hint == "use https://, http://, the path of a file, or 'builtin:'");
}

TEST_CASE("what is secret in a manifest's URL is not told") {
  Fixture fixture;
  fixture.serve(R"({"version":2})");
  const std::string url = fixture.server.url("/m.json");
  const auto error =
      unwrap_error(fixture.load("http://user:secret@" + url.substr(7) + "?token=abc"));
  CHECK(error.message == "cannot use '" + url + "': version: expected 1, found 2");
}
