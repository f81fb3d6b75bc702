#include <csignal>
#include <filesystem>
#include <future>
#include <random>
#include <thread>

#include "base/sha256.hpp"
#include "install_support.hpp"
#include "os/process/process.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::sha256_hex;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::held_body;
using runed::test::Home;
using runed::test::Mirror;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::Running;
using runed::test::text_body;
using runed::test::unwrap;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

struct Fixture {
  Fixture() { home.set("RUNED_MANIFEST", mirror.manifest_url()); }

  std::string model(const std::string& variant) const {
    return home / ("models/" + variant + ".gguf");
  }
  std::string server() const { return home / "bin/llama-cpp/build/bin/llama-server"; }

  // Whatever is in place is whole.
  void check_nothing_is_half_installed() const {
    if (fs::exists(model("large.f16"))) {
      CHECK(sha256_hex(read_text(model("large.f16"))) ==
            mirror.document["models"]["large.f16"]["sha256"]);
    }
    const std::string tree = home / "bin/llama-cpp";
    if (!fs::exists(tree) || fs::is_empty(tree)) return;
    CHECK(read_text(server()).ends_with("llama-server\n"));
    CHECK(fs::file_size(tree + "/build/bin/libllama.so") == 200'000);
    CHECK(fs::exists(tree + "/.llama_server.sha256"));
  }

  Mirror mirror;
  Home home;
};

}  // namespace

TEST_CASE("install fetches what the manifest names, once", "[install]") {
  Fixture fixture;
  const Finished first = fixture.home.run({"install", "--json"});
  CAPTURE(first.err);
  REQUIRE(first.exit_code == 0);
  const Json report = first.json();
  CHECK(report["changed"] == true);
  CHECK(report["steps"].size() == 2);
  CHECK(report["steps"][0]["variant"] == "tiny.q8_0");
  CHECK(report["steps"][0]["bytes_received"] == fixture.mirror.small.size_bytes);
  CHECK(report["next"] == "the next 'runed embed' is answered by tiny.q8_0");
  CHECK(mode_of(fixture.server()) == 0755);
  CHECK(fs::exists(fixture.home / "licenses/THIRD_PARTY_LICENSES/llama.cpp.LICENSE"));
  fixture.check_nothing_is_half_installed();

  const Finished second = fixture.home.run({"install"});
  CHECK(second.exit_code == 0);
  CHECK(second.out ==
        "model tiny.q8_0 is installed\nllama-server is installed\n"
        "next: the next 'runed embed' is answered by tiny.q8_0\n");
  CHECK(fixture.mirror.requests("/tiny.gguf") == 1);
  CHECK(fixture.mirror.requests("/server.tar.gz") == 1);
}

TEST_CASE("what was installed is served, and no network is needed for it", "[install]") {
  Home home;
  std::string identity;
  {
    const Mirror mirror;
    home.set("RUNED_MANIFEST", mirror.manifest_url());
    REQUIRE(home.run({"install", "--model-only"}).exit_code == 0);
    identity = mirror.small_identity();
  }
  const Finished done = home.run({"embed", "--json", "hello"});
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.json()["model_identity"] == identity);
  CHECK(done.err.empty());
  const Json status = home.status();
  CHECK(status["variant"] == "tiny.q8_0");
  CHECK(status["config"]["model_variant"]["origin"] == "manifest");
}

TEST_CASE("installing from the copy of a manifest whose server is gone", "[install]") {
  Home home;
  {
    const Mirror mirror;
    home.set("RUNED_MANIFEST", mirror.manifest_url());
    REQUIRE(home.run({"install"}).exit_code == 0);
  }
  const Finished again = home.run({"install", "--offline"});
  CAPTURE(again.err);
  CHECK(again.exit_code == 0);
  CHECK(again.err.find("going on with the copy of it that was fetched before") !=
        std::string::npos);
}

TEST_CASE("a variant is named by its last part, and a wrong one is answered with those there are",
          "[install]") {
  Fixture fixture;
  CHECK(fixture.home.run({"install", "--model-only", "--variant", "f16"}).exit_code == 0);
  CHECK(fs::file_size(fixture.model("large.f16")) == Mirror::kLargeBytes);
  const Finished wrong = fixture.home.run({"install", "--model-only", "--variant", "q4_K"});
  CHECK(wrong.exit_code == 71);
  CHECK(wrong.err.find("has no variant 'q4_K'\nhint: there are: tiny.q8_0, large.f16") !=
        std::string::npos);
}

TEST_CASE("list and dry run change nothing", "[install]") {
  Fixture fixture;
  const Json list = fixture.home.run({"install", "--list", "--json"}).json();
  REQUIRE(list["variants"].size() == 3);
  CHECK(list["variants"][0]["variant"] == "tiny.q8_0");
  CHECK(list["variants"][0]["default"] == true);
  CHECK(list["variants"][2]["variant"] == "builtin:runed-mini");
  CHECK(list["variants"][2]["installed"] == true);
  const Finished plan = fixture.home.run({"install", "--dry-run"});
  CHECK(plan.exit_code == 0);
  CHECK(plan.out.find("model tiny.q8_0 is missing: would fetch ") != std::string::npos);
  CHECK(fixture.mirror.requests("/tiny.gguf") == 0);
  CHECK_FALSE(fs::exists(fixture.home / "installed.json"));
}

TEST_CASE("offline, any use of the network is an error", "[install]") {
  Fixture fixture;
  const Finished done = fixture.home.run({"install", "--offline"});
  CHECK(done.exit_code == 79);
  CHECK(fixture.mirror.requests("/manifest.json") == 0);
}

TEST_CASE("network, integrity and configuration have an exit code each", "[install]") {
  Fixture fixture;
  fixture.mirror.server.reply("/tiny.gguf", {.status = 404});
  CHECK(fixture.home.run({"install", "--model-only"}).exit_code == 79);
  CHECK(fixture.mirror.requests("/tiny.gguf") == 1);
  fixture.mirror.server.reply(
      "/tiny.gguf", {.body = text_body(std::string(fixture.mirror.small.size_bytes, 'x'))});
  const Finished wrong = fixture.home.run({"install", "--model-only", "--json"});
  CHECK(wrong.exit_code == 76);
  CHECK(wrong.out.empty());
  CHECK(unwrap(runed::parse_json(wrong.err))["error"]["code"] == "INTEGRITY");
  CHECK_FALSE(fs::exists(fixture.model("tiny.q8_0")));
  CHECK_FALSE(fs::exists(fixture.model("tiny.q8_0") + ".partial"));
  fixture.mirror.document["version"] = 2;
  fixture.mirror.publish();
  CHECK(fixture.home.run({"install"}).exit_code == 78);
}

TEST_CASE("an interrupted install keeps what it has, and the next goes on from there",
          "[install]") {
  Fixture fixture;
  const uint64_t half = Mirror::kLargeBytes / 2;
  fixture.mirror.server.reply(
      "/large.gguf", {.body = fixture.mirror.large, .etag = "\"large\"", .stall_after = half});
  const std::string partial = fixture.model("large.f16") + ".partial";
  Running running = fixture.home.start({"install", "--model-only", "--variant", "large.f16"});
  REQUIRE(eventually([&] { return fs::exists(partial) && fs::file_size(partial) == half; }));
  running.signal(SIGINT);
  const auto begin = std::chrono::steady_clock::now();
  const Finished stopped = running.finish();
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
  CHECK(stopped.exit_code == 130);
  CHECK(stopped.err.find("hint: what was fetched is kept") != std::string::npos);
  CHECK(fs::file_size(partial) == half);

  fixture.mirror.server.reply("/large.gguf", {.body = fixture.mirror.large, .etag = "\"large\""});
  const Finished done =
      fixture.home.run({"install", "--model-only", "--variant", "large.f16", "--json"});
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.json()["steps"][0]["bytes_received"] == Mirror::kLargeBytes - half);
  fixture.check_nothing_is_half_installed();
}

TEST_CASE("the second of two installs waits, and says for whom", "[install]") {
  Fixture fixture;
  std::promise<void> second_waits;
  fixture.mirror.server.reply("/tiny.gguf", {.body = held_body(fixture.mirror.small, 0,
                                                               second_waits.get_future().share())});
  Running first = fixture.home.start({"install", "--model-only"});
  REQUIRE(eventually([&] { return fs::exists(fixture.model("tiny.q8_0") + ".partial"); }));
  Running second = fixture.home.start({"install", "--model-only"});
  const std::string told = fmt::format("waiting for process {}, which is installing", first.pid());
  REQUIRE(eventually([&] { return second.err().find(told) != std::string::npos; }));
  second_waits.set_value();
  CHECK(second.finish().exit_code == 0);
  CHECK(first.finish().exit_code == 0);
  CHECK(fixture.mirror.requests("/tiny.gguf") == 1);
}

TEST_CASE("killed at any moment, an install leaves nothing half done, and the next completes",
          "[install]") {
  Fixture fixture;
  std::minstd_rand random(7);
  for (int i = 0; i < 8; ++i) {
    Running running = fixture.home.start({"install", "--variant", "large.f16"});
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 150));
    running.signal(SIGKILL);
    running.finish();
    fixture.check_nothing_is_half_installed();
  }
  const Finished done = fixture.home.run({"install", "--variant", "large.f16"});
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  fixture.check_nothing_is_half_installed();
  // Intact, but random bytes are no model.
  const Finished verified = fixture.home.run({"verify"});
  CHECK(verified.exit_code == 76);
  CHECK(verified.out.find("passed  model            large.f16: SHA-256 ") != std::string::npos);
  CHECK(verified.out.find("failed  header           large.f16: ") != std::string::npos);
}

TEST_CASE("an installation is moved to a machine without a network", "[install]") {
  Home target;
  const std::string bundle = target.file("bundle.tar");
  {
    Fixture fixture;
    const Finished exported = fixture.home.run({"install", "--export", bundle});
    CAPTURE(exported.err);
    REQUIRE(exported.exit_code == 0);
  }
  const Finished done = target.run({"install", "--from", bundle});
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.out.find("model tiny.q8_0 was missing: installed") != std::string::npos);
  CHECK(target.run({"embed", "--json", "hello"}).exit_code == 0);
  CHECK(target.status()["variant"] == "tiny.q8_0");
  CHECK(target.run({"verify"}).exit_code == 0);
}

TEST_CASE("a script installs another variant beside the default, and --default changes it",
          "[install]") {
  Fixture fixture;
  Home& home = fixture.home;
  const Finished first = home.run({"install", "--model-only"});
  REQUIRE(first.exit_code == 0);
  CHECK(first.err.find("default") == std::string::npos);
  const std::vector<std::string> large{"install", "--model-only", "--variant", "f16"};
  const Finished second = home.run(large);
  REQUIRE(second.exit_code == 0);
  CHECK(second.err.ends_with(
      "runed: note: tiny.q8_0 stays the default, which is served where no model is named; 'runed "
      "install --default --variant large.f16' changes that\n"));
  CHECK(second.out.ends_with("next: the next 'runed embed' is answered by tiny.q8_0\n"));
  const Finished changed = home.run({"install", "--model-only", "--variant", "f16", "--default"});
  REQUIRE(changed.exit_code == 0);
  CHECK(changed.err.ends_with(
      "runed: note: large.f16 is the default now, which is served where no model is named, instead "
      "of tiny.q8_0\n"));
  CHECK(changed.out.ends_with("next: the next 'runed embed' is answered by large.f16\n"));
  CHECK(home.run(large).err.find("default") == std::string::npos);  // It is plain.
  const Finished back = home.run({"install", "--model-only", "--json"});
  REQUIRE(back.exit_code == 0);
  const std::string note = back.json()["notes"].back();
  CHECK(note.find("note: large.f16 stays the default") == 0);
  CHECK(home.run({"install", "--engine-only", "--default"}).exit_code == 2);
}

TEST_CASE("on a terminal the variant that is installed becomes the default, which is told",
          "[install]") {
  Fixture fixture;
  REQUIRE(fixture.home.run({"install", "--model-only"}).exit_code == 0);
  const Finished done = fixture.home.run_shell(
      fmt::format("script -qec \"'{}' install --model-only --variant f16\" /dev/null </dev/null",
                  RUNED_EXECUTABLE));
  CAPTURE(done.out);
  CHECK(done.exit_code == 0);
  CHECK(done.out.find("large.f16 is the default now") != std::string::npos);
  CHECK(Json::parse(read_text(fixture.home / "installed.json"))["model_variant"] == "large.f16");
}
