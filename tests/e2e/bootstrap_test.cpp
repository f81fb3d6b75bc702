#include <csignal>
#include <filesystem>

#include "install_support.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::Mirror;
using runed::test::Running;
using runed::test::text_body;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

/// A home whose daemon has a model to fetch, half of which never comes.
struct Stalled {
  Stalled() {
    home.set("RUNED_MANIFEST", mirror.manifest_url());
    mirror.server.reply("/tiny.gguf",
                        {.body = mirror.small, .etag = "\"tiny\"", .stall_after = half});
  }

  // Starts the daemon and waits until it has what it can get.
  Running serve() {
    Running daemon = home.start({"serve"});
    if (!eventually([&] { return fs::exists(partial) && fs::file_size(partial) == half; })) {
      FAIL("no partial file: " << home.status().dump(2));
    }
    return daemon;
  }

  Mirror mirror;
  Home home;
  uint64_t half = mirror.small.size_bytes / 2;
  std::string partial = home / "models/tiny.q8_0.gguf.partial";
};

}  // namespace

TEST_CASE("a daemon fetches what it lacks, with its socket open and its progress told",
          "[bootstrap]") {
  Stalled stalled;
  Running daemon = stalled.serve();
  Json seen;
  REQUIRE(eventually([&] {
    seen = stalled.home.status();
    return seen["bytes_done"] == stalled.half;
  }));
  CHECK(seen["state"] == "loading");
  CHECK(seen["phase"] == "fetching_model");
  CHECK(seen["bytes_total"] == stalled.mirror.small.size_bytes);
  CHECK(seen["message"] == "fetching tiny.q8_0");
  const Finished early = stalled.home.run({"embed", "--timeout", "1", "hello"});
  CHECK(early.exit_code == 124);
}

TEST_CASE("an embed on a machine without the model waits for it, and gets a right vector",
          "[bootstrap]") {
  Mirror mirror;
  Home home;
  home.set("RUNED_MANIFEST", mirror.manifest_url());
  const Finished done = home.run({"embed", "--json", "hello"});
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.json()["model_identity"] == mirror.small_identity());
  const Finished direct = home.run({"embed", "--direct", "--json", "hello"});
  CHECK(direct.json()["embeddings"] == done.json()["embeddings"]);
  CHECK(mirror.requests("/server.tar.gz") == 0);  // The engine in the executable serves it.
}

TEST_CASE("a daemon that fetches is stopped within a second, and keeps what it has",
          "[bootstrap]") {
  for (const bool by_signal : {true, false}) {
    CAPTURE(by_signal);
    Stalled stalled;
    Running daemon = stalled.serve();
    const auto begin = std::chrono::steady_clock::now();
    if (by_signal) {
      daemon.signal(SIGTERM);
    } else {
      CHECK(stalled.home.run({"shutdown"}).exit_code == 0);
    }
    const Finished ended = daemon.finish();
    CHECK(std::chrono::steady_clock::now() - begin < 1s);
    CHECK(ended.exit_code == 0);
    CHECK(fs::file_size(stalled.partial) == stalled.half);
  }
}

TEST_CASE("a daemon killed while it fetches goes on where it was", "[bootstrap]") {
  Stalled stalled;
  Running daemon = stalled.serve();
  daemon.signal(SIGKILL);
  daemon.finish();
  stalled.mirror.server.reply("/tiny.gguf", {.body = stalled.mirror.small, .etag = "\"tiny\""});
  const Finished done = stalled.home.run({"embed", "--json", "hello"});
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  CHECK(stalled.mirror.server.seen("/tiny.gguf").back().header("range") ==
        fmt::format("bytes={}-", stalled.half));
}

TEST_CASE("a daemon that cannot get its model says why, and its exit code tells what kind",
          "[bootstrap]") {
  Mirror mirror;
  Home home;
  home.set("RUNED_MANIFEST", mirror.manifest_url());
  mirror.server.reply("/tiny.gguf", {.status = 404});
  Running daemon = home.start({"serve"});
  const Finished network = daemon.finish();
  CHECK(network.exit_code == 79);
  CHECK(network.err.find("HTTP 404") != std::string::npos);
  const Finished client = home.run({"embed", "hello"});
  CHECK(client.exit_code == 79);
  CHECK(client.err.find("HTTP 404") != std::string::npos);
  // It lingers for a moment, so that clients learn why.
  const std::vector<std::string> wait_for_end{"shutdown", "--wait", "10"};
  CHECK(home.run(wait_for_end).exit_code == 0);
  mirror.server.reply("/tiny.gguf", {.body = text_body(std::string(mirror.small.size_bytes, 'x'))});
  CHECK(home.run({"serve"}).exit_code == 76);
  CHECK(home.run({"embed", "hello"}).exit_code == 76);
  CHECK(home.run(wait_for_end).exit_code == 0);
  mirror.document["default_model"] = 7;
  mirror.publish();
  CHECK(home.run({"serve"}).exit_code == 78);
}

TEST_CASE("with nothing installed the built-in model answers, and whoever started it is told",
          "[bootstrap]") {
  Home home;
  const Finished first = home.run({"embed", "hello"});
  CHECK(first.exit_code == 0);
  CHECK(first.err.find("runed: note: no model is installed") == 0);
  CHECK(home.run({"embed", "hello"}).err.empty());
  const Json status = home.status();
  CHECK(status["state"] == "ok");
  CHECK(status["message"].get<std::string>().find("no model is installed") == 0);
  CHECK(status["variant"] == "builtin:runed-mini");
}

TEST_CASE("the built-in model that was asked for needs no notice", "[bootstrap]") {
  Home home;
  home.set("RUNED_MODEL_VARIANT", "builtin:runed-mini");
  CHECK(home.run({"embed", "hello"}).err.empty());
  CHECK(home.status()["message"].is_null());
}

TEST_CASE("a variant that was named is fetched rather than replaced by the built-in model",
          "[bootstrap]") {
  Mirror mirror;
  Home home;
  write_text(home.file("config.json"),
             runed::to_line(Json{
                 {"version", 1}, {"manifest", mirror.manifest_url()}, {"model_variant", "q8_0"}}));
  home.set("RUNED_CONFIG", home.file("config.json"));
  const Finished done = home.run({"embed", "--json", "hello"});
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.json()["model_identity"] == mirror.small_identity());
  CHECK(home.status()["variant"] == "tiny.q8_0");
}
