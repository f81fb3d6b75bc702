#include <csignal>
#include <filesystem>

#include "base/text.hpp"
#include "os/process/process.hpp"
#include "runed_process.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::engine_under_test;
using runed::test::Finished;
using runed::test::Home;
using runed::test::Running;
using runed::test::write_text;
using namespace std::chrono_literals;

TEST_CASE("without a daemon status says so, and starts none", "[status_shutdown]") {
  Home home;
  const Finished text = home.run({"status"});
  CHECK(text.exit_code == 3);
  CHECK(text.out.starts_with("runed is not running: nothing listens on '"));
  const Finished json = home.run({"status", "--json"});
  CHECK(json.exit_code == 3);
  CHECK(json.json()["running"] == false);
  CHECK(json.json()["state"] == "not_running");
  CHECK_FALSE(std::filesystem::exists(home.path()));
}

TEST_CASE("the keys of status are the same in every state", "[status_shutdown]") {
  Home home;
  const auto keys = [&home] {
    std::vector<std::string> names;
    const Json status = home.status();
    for (const auto& [key, value] : status.items()) names.push_back(key);
    return names;
  };
  const auto absent = keys();
  const Running daemon = home.serve();
  CHECK(keys() == absent);
  for (const char* key :
       {"running",  "state",        "phase",          "bytes_done",     "bytes_total",
        "pid",      "started_at",   "daemon_version", "model_identity", "model_name",
        "variant",  "engine",       "engine_version", "engine_reason",  "kernel",
        "compute",  "vector_dim",   "max_tokens",     "socket_path",    "home",
        "requests", "queue_tokens", "restarts",       "resident_bytes", "reason",
        "inherited", "config"}) {
    CAPTURE(key);
    CHECK(std::find(absent.begin(), absent.end(), key) != absent.end());
  }
}

TEST_CASE("status tells what the daemon serves, and from which setting", "[status_shutdown]") {
  Home home;
  Running daemon = home.serve({"--idle-timeout", "1h"});
  home.run({"embed", "one", "two"});
  const Json status = home.status();
  CHECK(status["state"] == "ok");
  CHECK(status["pid"] == daemon.pid());
  CHECK(status["model_name"] == "runed-mini");
  CHECK(status["variant"] == "builtin:runed-mini");
  const bool is_native = engine_under_test() == "native";
  CHECK(status["engine"] == engine_under_test());
  CHECK(status["engine_version"].is_null() == is_native);
  CHECK(status["engine_reason"] ==
        (is_native ? "it can serve this model" : "RUNED_ENGINE says so"));
  const auto kernel = status["kernel"].get<std::string>();
  CHECK_FALSE(kernel.empty());
  const bool has_int8 = kernel == "avx512-bf16" || kernel.ends_with("-vnni");
  CHECK(status["compute"] == (!is_native ? "speed" : has_int8 ? "int8" : "f32"));  // Of Q8_0.
  CHECK(status["vector_dim"] == 256);
  CHECK(status["max_tokens"] == 512);
  CHECK(status["requests"] == 1);
  CHECK(status["queue_tokens"] == 0);
  CHECK(status["resident_bytes"] > 1 << 20);
  // What the daemon was told, not what this command would have been.
  CHECK(status["config"]["idle_timeout"]["value"] == "1h");
  CHECK(status["config"]["idle_timeout"]["origin"] == "flag");
  CHECK(status["config"]["engine"]["origin"] == (is_native ? "default" : "environment"));
  CHECK(home.run({"status"}).out.find("idle_timeout    1h (from flag)") != std::string::npos);
}

TEST_CASE("status tells how products are computed, and who said so", "[status_shutdown]") {
  if (engine_under_test() != "native") return;
  Home home;
  runed::test::write_text(home.file("config.json"), R"({"threads":"2"})");
  home.set("RUNED_CONFIG", home.file("config.json"));
  home.set("RUNED_COMPUTE", "f32");
  const Running daemon = home.serve({"--cpu", "portable"});
  const Json status = home.status();
  CHECK(status["compute"] == "f32");
  CHECK(status["kernel"] == "portable");
  CHECK(status["config"]["compute"] == Json{{"value", "f32"}, {"origin", "environment"}});
  CHECK(status["config"]["threads"] == Json{{"value", "2"}, {"origin", "config"}});
  const std::string text = home.run({"status"}).out;
  CHECK(text.find("engine          native, f32, portable\n") != std::string::npos);
  CHECK(text.find("compute         f32 (from environment)\n") != std::string::npos);
  CHECK(text.find("threads         2 (from config)\n") != std::string::npos);
}

TEST_CASE("status waits for a daemon that is about to be ready", "[status_shutdown]") {
  Home home;
  Running waiting = home.start({"status", "--wait-ready", "20"});
  CHECK_FALSE(waiting.wait_for(100ms));
  Running daemon = home.start({"serve"});
  CHECK(waiting.finish().exit_code == 0);
  Home empty;
  CHECK(empty.run({"status", "--wait-ready", "0.2"}).exit_code == 3);
}

TEST_CASE("a daemon that does not answer is not called ready", "[status_shutdown]") {
  Home home;
  Running daemon = home.serve();
  daemon.signal(SIGSTOP);
  const Finished seen = home.run({"status", "--json"});
  CHECK(seen.exit_code == 4);
  CHECK(seen.json()["state"] == "unresponsive");
  CHECK(seen.json()["pid"] == daemon.pid());
  CHECK(home.run({"shutdown", "--force", "--wait", "0.2"}).exit_code == 0);
  CHECK(daemon.finish().exit_code == 128 + SIGKILL);
}

TEST_CASE("shutdown waits for the process to be gone when asked", "[status_shutdown]") {
  Home home;
  Running daemon = home.serve();
  const Finished done = home.run({"shutdown", "--wait", "20"});
  CHECK(done.exit_code == 0);
  CHECK(done.out.find("has ended") != std::string::npos);
  CHECK(daemon.has_ended());
  CHECK(daemon.finish().exit_code == 0);
}

TEST_CASE("shutdown of nothing is a success", "[status_shutdown]") {
  Home home;
  const Finished done = home.run({"shutdown", "--wait", "1"});
  CHECK(done.exit_code == 0);
  CHECK(done.out == "runed is not running.\n");
  CHECK(home.run({"shutdown", "--json"}).json()["outcome"] == "not_running");
  CHECK_FALSE(std::filesystem::exists(home.path()));
}

TEST_CASE("two shutdowns at once both succeed", "[status_shutdown]") {
  Home home;
  Running daemon = home.serve();
  Running first = home.start({"shutdown", "--wait", "20"});
  Running second = home.start({"shutdown", "--wait", "20"});
  CHECK(first.finish().exit_code == 0);
  CHECK(second.finish().exit_code == 0);
  CHECK(daemon.finish().exit_code == 0);
}

TEST_CASE("status and shutdown find the daemon whatever is wrong with the settings",
          "[status_shutdown]") {
  for (const char* config :
       {"{", "[]", R"({"socket":5})", R"({"sokcet":"/s"})", R"({"threads":"x"})"}) {
    CAPTURE(config);
    Home home;
    home.set("RUNED_SOCKET", home.file("other.sock"));
    Running daemon = home.serve();
    home.set("RUNED_SOCKET", "");
    write_text(home / "config.json", config);
    home.set("RUNED_ENGINE", "gpu");
    const Finished status = home.run({"status", "--json"});
    CAPTURE(status.err);
    CHECK(status.exit_code == 0);
    CHECK(status.json()["pid"] == daemon.pid());
    for (const std::string_view line : runed::split(status.err, '\n')) {
      if (!line.empty()) CHECK(Json::parse(line).contains("note"));
    }
    CHECK(status.err.find("config.json") != std::string::npos);
    CHECK(status.err.find("unknown engine 'gpu'") != std::string::npos);
    const Finished ended = home.run({"shutdown", "--wait", "30"});
    CHECK(ended.exit_code == 0);
    CHECK(ended.err.find("runed: note: ") == 0);
    CHECK(daemon.wait_for(std::chrono::seconds(30)));
    CHECK(home.run({"status"}).exit_code == 3);
    CHECK(home.run({"embed", "x"}).exit_code == 78);
  }
}
