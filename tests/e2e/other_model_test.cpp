// What was chosen and is not there is an error, and no other model answers in its place.
#include <filesystem>

#include "install_support.hpp"
#include "support/result_matchers.hpp"

using runed::test::Finished;
using runed::test::Home;
using runed::test::Mirror;
using runed::test::read_text;
using runed::test::Running;
using runed::test::write_text;

namespace fs = std::filesystem;

namespace {

constexpr int kModel = 71;
constexpr int kProblemFound = 5;

/// A home with a model installed from a manifest that is not configured afterwards.
struct Installed {
  Installed() {
    home.set("RUNED_MANIFEST", mirror.manifest_url());
    REQUIRE(home.run({"install", "--model-only"}).exit_code == 0);
    home.set("RUNED_MANIFEST", "");
    REQUIRE(fs::exists(file));
  }

  Mirror mirror;
  Home home;
  std::string file = home / "models/tiny.q8_0.gguf";
};

void check_missing(Home& home, const std::string& why) {
  CAPTURE(why);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"embed", "hello"}, {"embed", "--direct", "hello"},
        {"embed", "--ids", "hello"}, {"serve"}}) {
    const Finished done = home.run(arguments);
    CAPTURE(arguments, done.out, done.err);
    CHECK(done.exit_code == kModel);
    CHECK(done.out.empty());
    CHECK(done.err.find(why) != std::string::npos);
    CHECK(done.err.find("no model is installed") == std::string::npos);
  }
  const Finished doctor = home.run({"doctor"});
  CAPTURE(doctor.out);
  CHECK(doctor.exit_code == kProblemFound);
  CHECK(doctor.out.find(why) != std::string::npos);
}

}  // namespace

TEST_CASE("where the installed model is gone, nothing else answers", "[other_model]") {
  Installed installed;
  Home& home = installed.home;
  const std::string gone = "the default of installed.json is tiny.q8_0, and its file is not there";
  SECTION("removed") {
    fs::remove(installed.file);
    check_missing(home, gone);
  }
  SECTION("removed, with another file beside it") {
    fs::rename(installed.file, home / "models/other.q8_0.gguf");
    check_missing(home, gone);
  }
  SECTION("a link that leads nowhere") {
    fs::remove(installed.file);
    fs::create_symlink("/nonexistent/m.gguf", installed.file);
    check_missing(home, gone);
  }
  SECTION("models/ is empty, as where a disk is not mounted") {
    fs::remove_all(home / "models");
    check_missing(home, gone);
  }
  SECTION("models/ is a link that leads nowhere") {
    fs::remove_all(home / "models");
    fs::create_symlink("/nonexistent/models", home / "models");
    check_missing(home, gone);
  }
}

TEST_CASE("a damaged installed.json does not let another model answer", "[other_model]") {
  Installed installed;
  write_text(installed.home / "installed.json", R"({"model_variant": "tiny)");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"embed", "hello"}, {"embed", "--direct", "hello"}}) {
    const Finished done = installed.home.run(arguments);
    CAPTURE(done.out, done.err);
    CHECK(done.exit_code == 78);
    CHECK(done.err.find("it is damaged") != std::string::npos);
  }
  // As the hint says.
  installed.home.set("RUNED_MANIFEST", installed.mirror.manifest_url());
  CHECK(installed.home.run({"install", "--model-only", "--variant", "tiny.q8_0"}).exit_code == 0);
  CHECK(installed.home.run({"embed", "hello"}).exit_code == 0);
}

TEST_CASE("a model that is gone is fetched again where a manifest has it, itself and no other",
          "[other_model]") {
  Installed installed;
  Home& home = installed.home;
  home.set("RUNED_MANIFEST", installed.mirror.manifest_url());
  installed.mirror.document["default_model"] = "large.f16";
  installed.mirror.publish();
  fs::remove(installed.file);
  const Finished direct = home.run({"embed", "--direct", "hello"});  // Without the network.
  CHECK(direct.exit_code == kModel);
  const Finished done = home.run({"embed", "--json", "hello"});
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.json()["model_identity"] == installed.mirror.small_identity());
  CHECK(fs::exists(installed.file));
}

TEST_CASE("a model that is gone is told by the commands that look after it", "[other_model]") {
  Installed installed;
  Home& home = installed.home;
  fs::remove(installed.file);
  CHECK(home.run({"status"}).exit_code == 3);
  CHECK(home.run({"shutdown"}).exit_code == 0);
  const Finished verify = home.run({"verify"});
  CAPTURE(verify.out, verify.err);
  CHECK(verify.exit_code == 76);
  const Finished list = home.run({"install", "--list"});
  CHECK(list.exit_code == 0);
}
