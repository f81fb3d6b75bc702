#include <filesystem>

#include "install_support.hpp"
#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::Finished;
using runed::test::Home;
using runed::test::Mirror;
using runed::test::read_text;
using runed::test::write_text;

namespace fs = std::filesystem;

namespace {

struct Fixture {
  Fixture() {
    home.set("RUNED_MANIFEST", mirror.manifest_url());
    const Finished installed = home.run({"install"});
    if (installed.exit_code != 0) FAIL(installed.err);
  }

  Mirror mirror;
  Home home;
  std::string model = home / "models/tiny.q8_0.gguf";
};

// The outcome of the first check of this name.
std::string outcome(const Json& report, const std::string& name) {
  for (const Json& check : report["checks"]) {
    if (check["name"] == name) return check["outcome"];
  }
  return "none";
}

}  // namespace

TEST_CASE("verify passes what was installed, deeply too", "[verify_gc]") {
  Fixture fixture;
  const Finished done = fixture.home.run({"verify", "--deep", "--json"});
  CAPTURE(done.out, done.err);
  CHECK(done.exit_code == 0);
  for (const char* name : {"permissions", "model", "llama_server", "licenses", "header", "finite",
                           "unit_norm", "batch_invariance", "distinct"}) {
    CAPTURE(name);
    CHECK(outcome(done.json(), name) == "passed");
  }
}

TEST_CASE("without anything installed the built-in model is verified", "[verify_gc]") {
  Home home;
  const Finished done = home.run({"verify", "--deep"});
  CHECK(done.exit_code == 0);
  CHECK(done.out.find("passed  batch_invariance builtin:runed-mini: worst cosine") !=
        std::string::npos);
}

TEST_CASE("a flipped bit is found, and fixed", "[verify_gc]") {
  Fixture fixture;
  std::string bytes = read_text(fixture.model);
  bytes[bytes.size() / 2] ^= 1;
  write_text(fixture.model, bytes);
  const Finished found = fixture.home.run({"verify", "--json"});
  CHECK(found.exit_code == 76);
  CHECK(outcome(found.json(), "model") == "failed");
  CHECK(outcome(found.json(), "llama_server") == "passed");
  const Finished fixed = fixture.home.run({"verify", "--fix"});
  CAPTURE(fixed.out, fixed.err);
  CHECK(fixed.exit_code == 0);
  CHECK(fixture.mirror.requests("/tiny.gguf") == 2);
  CHECK(fixture.home.run({"verify"}).exit_code == 0);
}

TEST_CASE("a model that only another engine may serve is unknown to verify", "[verify_gc]") {
  Home home;
  const auto bytes = runed::test::small_llama_embed().build();
  const std::string model = home.file("other.gguf");
  write_text(model, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  home.set("RUNED_MODEL", model);
  const Finished verified = home.run({"verify"});
  CHECK(verified.exit_code == 0);
  CHECK(verified.out.find("only llama-server may serve it: ") != std::string::npos);
  home.set("RUNED_ENGINE", "native");
  const Finished native = home.run({"verify", "--json"});
  CHECK(native.exit_code == 76);
  CHECK(outcome(native.json(), "header") == "failed");
}

TEST_CASE("a llama-server that was changed is found, and fixed", "[verify_gc]") {
  Fixture fixture;
  write_text(fixture.home / "bin/llama-cpp/build/bin/llama-server", "#!/bin/sh\n");
  const Finished found = fixture.home.run({"verify"});
  CHECK(found.exit_code == 76);
  CHECK(found.out.find("'build/bin/llama-server' was changed") != std::string::npos);
  CHECK(found.err == "hint: 'runed verify --fix' installs again what is broken\n");
  CHECK(fixture.home.run({"verify", "--fix"}).exit_code == 0);
}

TEST_CASE("a damaged model is never served: the daemon fetches it again", "[verify_gc]") {
  Fixture fixture;
  std::string bytes = read_text(fixture.model);
  bytes[bytes.size() / 2] ^= 1;
  write_text(fixture.model, bytes);
  const Finished direct = fixture.home.run({"embed", "--direct", "hello"});
  CHECK(direct.exit_code == 76);
  const Finished done = fixture.home.run({"embed", "--json", "hello"});
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.json()["model_identity"] == fixture.mirror.small_identity());
}

TEST_CASE("gc removes what nobody uses, and nothing that somebody does", "[verify_gc]") {
  Fixture fixture;
  REQUIRE(fixture.home.run({"install", "--model-only", "--variant", "large.f16"}).exit_code == 0);
  REQUIRE(fixture.home.run({"embed", "hello"}).exit_code == 0);
  const std::string large = fixture.home / "models/large.f16.gguf";

  const Json plan = fixture.home.run({"gc", "--dry-run", "--json"}).json();
  REQUIRE(plan["items"].size() == 1);
  CHECK(plan["items"][0] == Json{{"kind", "variant"}, {"path", large}, {"size_bytes", 40 << 20}});
  CHECK(fs::exists(large));
  CHECK(fixture.home.run({"gc", "--older-than", "1d"}).out == "there is nothing to remove\n");

  const Finished done = fixture.home.run({"gc"});
  CHECK(done.exit_code == 0);
  CHECK(done.out == "removed     40.0 MiB  " + large + "\n40.0 MiB in all\n");
  CHECK_FALSE(fs::exists(large));
  CHECK(fs::exists(fixture.model));
  CHECK(fixture.home.run({"embed", "hello"}).exit_code == 0);
  CHECK(fixture.home.run({"gc"}).out == "there is nothing to remove\n");
}

TEST_CASE("gc keeps what a daemon serves, whatever is configured now", "[verify_gc]") {
  Fixture fixture;
  REQUIRE(fixture.home.run({"embed", "hello"}).exit_code == 0);
  fixture.mirror.document["default_model"] = "large.f16";
  fixture.mirror.publish();
  REQUIRE(fixture.home.run({"install", "--model-only", "--default"}).exit_code == 0);
  CHECK(fixture.home.run({"gc"}).out == "there is nothing to remove\n");
  REQUIRE(fixture.home.run({"shutdown", "--wait", "10"}).exit_code == 0);
  CHECK(fixture.home.run({"gc"}).out.find(fixture.model) != std::string::npos);
}

TEST_CASE("other bytes written over a model are not served in its name", "[verify_gc]") {
  Fixture fixture;
  fixture.home.set("RUNED_IDLE_TIMEOUT", "200ms");
  REQUIRE(fixture.home.run({"embed", "hello"}).exit_code == 0);
  fixture.home.wait_for_state("idle");
  write_text(fixture.model, read_text(RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.q6_K.gguf"));
  const Finished refused = fixture.home.run({"embed", "hello"});
  CHECK(refused.exit_code == 71);
  CHECK(refused.err.find("was replaced: its size is ") != std::string::npos);
  CHECK(fixture.home.status()["state"] == "degraded");
  // The next daemon fetches the right one again.
  REQUIRE(fixture.home.run({"shutdown", "--wait", "10"}).exit_code == 0);
  const Finished right = fixture.home.run({"embed", "--json", "hello"});
  REQUIRE(right.exit_code == 0);
  CHECK(right.json()["model_identity"] == fixture.mirror.small_identity());
}

TEST_CASE("what cannot be fixed is not offered to be", "[verify_gc]") {
  Fixture fixture;
  Home& home = fixture.home;
  home.set("RUNED_MODEL", "/nonexistent");
  const Finished named = home.run({"verify"});
  CHECK(named.exit_code == 76);
  CHECK(named.err.empty());
  home.set("RUNED_MODEL", "");
  home.set("RUNED_MODEL_VARIANT", "none");
  CHECK(home.run({"verify"}).err.empty());
  home.set("RUNED_MODEL_VARIANT", "large.f16");  // The manifest has it.
  CHECK(home.run({"verify"}).err == "hint: 'runed verify --fix' installs again what is broken\n");
}

TEST_CASE("gc removes what it can whatever is wrong with the choice of a model", "[verify_gc]") {
  Fixture fixture;
  Home& home = fixture.home;
  write_text(home / "logs/daemon.log.1", "old");
  write_text(home / "config.json", "{");
  const Finished broken = home.run({"gc", "--json"});
  CHECK(broken.exit_code == 0);
  REQUIRE(broken.json()["items"].size() == 1);
  CHECK(broken.json()["items"][0]["kind"] == "log");
  CHECK(Json::parse(broken.err)["note"].get<std::string>().find("whatever was installed stays") !=
        std::string::npos);
  fs::remove(home / "config.json");
  home.set("RUNED_MODEL", "/nonexistent");
  const Finished missing = home.run({"gc"});
  CHECK(missing.exit_code == 0);
  CHECK(missing.err.find("runed: note: there is no model file '/nonexistent'") == 0);
}
