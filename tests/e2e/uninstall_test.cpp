#include <filesystem>

#include "install_support.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::Finished;
using runed::test::Home;
using runed::test::Mirror;
using runed::test::write_text;

namespace fs = std::filesystem;

namespace {

struct Fixture {
  Fixture() {
    home.set("RUNED_MANIFEST", mirror.manifest_url());
    const Finished installed = home.run({"install", "--model-only"});
    if (installed.exit_code != 0) FAIL(installed.err);
  }

  Mirror mirror;
  Home home;
  std::string model = home / "models/tiny.q8_0.gguf";
};

}  // namespace

TEST_CASE("a variant is removed once no daemon serves it", "[uninstall]") {
  Fixture fixture;
  Home& home = fixture.home;
  REQUIRE(home.run({"embed", "hello"}).exit_code == 0);
  const Finished refused = home.run({"uninstall", "q8_0"});
  CHECK(refused.exit_code == 73);
  CHECK(refused.err ==
        "runed: error: the daemon that runs serves tiny.q8_0\n"
        "hint: 'runed shutdown --wait 10' ends the daemon; then try again\n");
  CHECK(fs::exists(fixture.model));
  REQUIRE(home.run({"shutdown", "--wait", "10"}).exit_code == 0);

  const Finished planned = home.run({"uninstall", "q8_0", "--dry-run"});
  CHECK(planned.exit_code == 0);
  CHECK(planned.out.find("would remove") == 0);
  CHECK(planned.err == "runed: note: tiny.q8_0 is served where no model is named\n");
  CHECK(fs::exists(fixture.model));

  write_text(home / "config.json", R"({"models":{"notes":{"variant":"q8_0"}}})");
  const Finished removed = home.run({"uninstall", "q8_0"});
  CAPTURE(removed.err);
  CHECK(removed.exit_code == 0);
  CHECK(removed.out.find(fixture.model) != std::string::npos);
  CHECK(removed.err ==
        "runed: note: models.notes in config.json still names tiny.q8_0\n"
        "runed: note: tiny.q8_0 was served where no model is named; now the daemon fetches "
        "tiny.q8_0\n");
  CHECK_FALSE(fs::exists(fixture.model));
  CHECK(home.run({"uninstall", "q8_0"}).exit_code == 71);
}

TEST_CASE("what is removed, and why not, can be had as JSON", "[uninstall]") {
  Fixture fixture;
  const Finished unknown = fixture.home.run({"uninstall", "q4_0", "--json"});
  CHECK(unknown.exit_code == 71);
  CHECK(Json::parse(unknown.err)["error"]["message"] == "variant 'q4_0' is not installed");
  const Finished removed = fixture.home.run({"uninstall", "tiny.q8_0", "--json"});
  REQUIRE(removed.exit_code == 0);
  const Json report = removed.json();
  CHECK(report["dry_run"] == false);
  REQUIRE(report["items"].size() == 1);
  CHECK(report["items"][0]["kind"] == "variant");
  CHECK(report["items"][0]["path"] == fixture.model);
  CHECK(report["total_bytes"] == fs::file_size(RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.q8_0.gguf"));
  CHECK(Json::parse(removed.err).contains("note"));
}
