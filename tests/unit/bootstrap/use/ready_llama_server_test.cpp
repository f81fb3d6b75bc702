#include "bootstrap/use/ready_llama_server.hpp"

#include "support/http_server.hpp"
#include "unit/bootstrap/install/install_fixture.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::bootstrap::check_llama_server;
using runed::bootstrap::check_llama_server_source;
using runed::bootstrap::describe_named_llama_server;
using runed::bootstrap::ensure_llama_server;
using runed::bootstrap::Origin;
using runed::bootstrap::Part;
using runed::bootstrap::Settings;
using runed::test::FakeEnvironment;
using runed::test::InstallFixture;
using runed::test::read_text;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

struct Fixture : InstallFixture {
  Fixture() {
    settings.manifest = {manifest_file(), Origin::environment};
    hooks.watch.on_event = [this](const std::string& text) { events.push_back(text); };
    hooks.on_activity = [this](auto activity, Part part, const std::string& /*variant*/) {
      REQUIRE(part == Part::llama_server);
      fetches += activity == runed::bootstrap::Activity::fetching ? 1 : 0;
    };
  }

  runed::Result<std::string> check() const {
    return check_llama_server(paths, settings, environment, {});
  }
  runed::Result<std::string> ensure() const {
    return ensure_llama_server(paths, settings, environment, policy, clock, hooks);
  }
  void name(const std::string& server, Origin origin = Origin::environment) {
    settings.llama_server = {server, origin};
  }
  // A program of the user's, and its path.
  std::string make_program(const std::string& name) const {
    write_text(dir / name, "#!/bin/sh\n");
    std::filesystem::permissions(dir / name, std::filesystem::perms::owner_all);
    return dir / name;
  }

  Settings settings;
  FakeEnvironment environment{{"PATH", ""}};
  runed::bootstrap::DownloadPolicy policy{.attempts = 1};
  std::vector<std::string> events;
  int fetches = 0;
};

}  // namespace

TEST_CASE("a llama-server that is named is the one, and nothing is fetched") {
  Fixture fixture;
  const std::string program = fixture.make_program("my-server");
  fixture.name(program);
  CHECK(unwrap(fixture.check()) == program);
  CHECK(unwrap(fixture.ensure()) == program);
  unwrap(check_llama_server_source(fixture.paths, fixture.settings, fixture.environment));
  CHECK(fixture.fetches == 0);
}

TEST_CASE("a bare name is looked up in the absolute directories of PATH") {
  Fixture fixture;
  const std::string program = fixture.make_program("my-server");
  std::filesystem::create_directories(fixture.dir / "first/my-server");
  fixture.name("my-server");
  const std::string path = "bin::" + (fixture.dir / "first") + ":" + fixture.dir.path();
  fixture.environment = {{"PATH", path}};
  CHECK(unwrap(fixture.check()) == fixture.dir.path() + "/my-server");
}

TEST_CASE("a named llama-server that cannot be run is an error that says who named it") {
  Fixture fixture;
  unwrap(fixture.install({.parts = {Part::llama_server},
                          .variant = {}}));  // It must not stand in for the one that was asked for.
  const auto message = [&] {
    const Error error = unwrap_error(fixture.ensure());
    CHECK(error.code == ErrorCode::bad_config);
    CHECK_FALSE(error.hint.empty());
    CHECK(unwrap_error(fixture.check()).message == error.message);
    CHECK(unwrap_error(
              check_llama_server_source(fixture.paths, fixture.settings, fixture.environment))
              .message == error.message);
    return error.message;
  };
  fixture.name("/no/such");
  CHECK(message() == "RUNED_LLAMA_SERVER names '/no/such', which is not there");
  write_text(fixture.dir / "text", "no program");
  fixture.name(fixture.dir / "text", Origin::config);
  CHECK(message() == "llama_server in config.json names '" + (fixture.dir / "text") +
                         "', which is not a file that can be executed");
  fixture.name("no-such-server");
  CHECK(message() == "RUNED_LLAMA_SERVER names 'no-such-server', which no directory of PATH has");
}

TEST_CASE("who named a llama-server, and which") {
  Settings settings;
  CHECK_FALSE(describe_named_llama_server(settings).has_value());
  settings.llama_server = {"/l", Origin::environment};
  CHECK(describe_named_llama_server(settings) == "RUNED_LLAMA_SERVER names '/l'");
}

TEST_CASE("looking for a llama-server that is not installed says how to get one") {
  const Fixture fixture;
  const Error error = unwrap_error(fixture.check());
  CHECK(error.code == ErrorCode::not_found);
  CHECK(error.message == "no llama-server is installed");
  CHECK(error.hint.find("'runed install --engine-only' fetches one") == 0);
}

TEST_CASE("a llama-server that is missing is fetched from its server, once") {
  Fixture fixture;
  runed::test::HttpServer server;
  const std::string archive = read_text(fixture.dir / "server.tar");
  server.reply("/server.tar", {.body = runed::test::text_body(archive)});
  runed::Json document = fixture.document();
  document["platforms"].begin().value()["llama_server"]["url"] = server.url("/server.tar");
  server.reply("/manifest.json", {.body = runed::test::text_body(runed::to_line(document))});
  fixture.settings.manifest = {server.url("/manifest.json"), Origin::environment};
  CHECK(unwrap(fixture.ensure()) == fixture.server_file());
  CHECK(read_text(fixture.server_file()) == "first");
  CHECK(fixture.fetches == 1);

  CHECK(unwrap(fixture.ensure()) == fixture.server_file());
  CHECK(unwrap(fixture.check()) == fixture.server_file());
  CHECK(server.seen("/manifest.json").size() == 1);
  CHECK(server.seen("/server.tar").size() == 1);
}

TEST_CASE("an installed llama-server needs neither its manifest nor its server") {
  Fixture fixture;
  unwrap(fixture.ensure());
  fixture.settings.manifest = {fixture.dir / "none.json", Origin::environment};
  CHECK(unwrap(fixture.ensure()) == fixture.server_file());
  unwrap(check_llama_server_source(fixture.paths, fixture.settings, fixture.environment));
}

TEST_CASE("a llama-server is served from a home that was moved") {
  Fixture fixture;
  unwrap(fixture.ensure());
  std::filesystem::rename(fixture.dir / "home", fixture.dir / "moved");
  fixture.paths = unwrap(runed::bootstrap::resolve_paths(
      FakeEnvironment{{"RUNED_HOME", fixture.dir / "moved"}}, std::nullopt));
  CHECK(unwrap(fixture.check()) == fixture.dir / "moved/bin/llama-cpp/build/bin/llama-server");
}

TEST_CASE("an installed llama-server that was changed is not run, but fetched again") {
  Fixture fixture;
  unwrap(fixture.ensure());
  write_text(fixture.paths.llama_cpp_dir + "/build/bin/libllama.so", "another");
  const Error error = unwrap_error(fixture.check());
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message ==
        "the llama-server in '" + fixture.paths.llama_cpp_dir + "' is not as it was installed");
  CHECK(unwrap(fixture.ensure()) == fixture.server_file());
  CHECK(fixture.events.front() == error.message);
  CHECK(read_text(fixture.paths.llama_cpp_dir + "/build/bin/libllama.so") == "library");
}

TEST_CASE("a changed llama-server that cannot be fetched again is an error") {
  Fixture fixture;
  unwrap(fixture.ensure());
  std::filesystem::remove(fixture.server_file());
  std::filesystem::remove(fixture.dir / "server.tar");
  const Error error = unwrap_error(fixture.ensure());
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.hint.find("it cannot be fetched again: ") == 0);
}

TEST_CASE("a manifest without a llama-server for this machine says what to do instead") {
  Fixture fixture;
  runed::Json document = fixture.document();
  document.erase("platforms");
  write_text(fixture.dir / "manifest.json", runed::to_line(document));
  const Error error = unwrap_error(fixture.ensure());
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.message == fmt::format("the manifest '{}' has no llama_server for {}",
                                     fixture.settings.manifest.value,
                                     runed::bootstrap::platform_name()));
  CHECK(error.hint ==
        "name one with RUNED_LLAMA_SERVER; the package llama.cpp-tools of newer Debians has one");
  const Error early =
      unwrap_error(check_llama_server_source(fixture.paths, fixture.settings, fixture.environment));
  CHECK(early.message == error.message);
}
