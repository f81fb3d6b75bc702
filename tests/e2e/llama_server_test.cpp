// The llama-server engine with the real llama-server and the built-in model.
#include <csignal>
#include <functional>
#include <map>

#include "base/text.hpp"
#include "engine_processes.hpp"
#include "os/file/files.hpp"
#include "os/process/process.hpp"
#include "support/eventually.hpp"
#include "support/real_llama_server.hpp"
#include "support/result_matchers.hpp"
#include "support/stand_in.hpp"

using runed::Json;
using runed::test::cosine;
using runed::test::engine_process;
using runed::test::engine_processes;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::has_zombie;
using runed::test::Home;
using runed::test::real_llama_server;
using runed::test::reference_texts;
using runed::test::Running;
using runed::test::unwrap;
using runed::test::vector_of;
using runed::test::write_stand_in;
using namespace std::chrono_literals;

namespace {

constexpr double kBetweenEngines = 0.999;
constexpr double kBetweenBatches = 0.9999;

void use_llama_server(Home& home, const std::string& path) {
  home.set("RUNED_ENGINE", "llama-server");
  home.set("RUNED_LLAMA_SERVER", path);
}

// Every reference text but the blank one, which runed refuses whatever the engine.
const std::vector<std::string>& all_texts() {
  static const std::vector<std::string> texts = [] {
    std::vector<std::string> chosen;
    for (const auto& reference : reference_texts()) {
      if (!runed::is_blank(reference.text)) chosen.push_back(reference.text);
    }
    return chosen;
  }();
  return texts;
}

std::vector<std::vector<float>> embed(Home& home, const std::vector<std::string>& texts) {
  std::vector<std::string> arguments{"embed", "--json", "--"};
  arguments.insert(arguments.end(), texts.begin(), texts.end());
  const Finished done = home.run(arguments);
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  const Json document = done.json();
  REQUIRE(document["embeddings"].size() == texts.size());
  std::vector<std::vector<float>> vectors;
  for (size_t i = 0; i < texts.size(); ++i) vectors.push_back(vector_of(document, i));
  return vectors;
}

// What the native engine makes of them.
const std::vector<std::vector<float>>& native_vectors() {
  static const std::vector<std::vector<float>> vectors = [] {
    Home home;
    home.set("RUNED_ENGINE", "native");
    Running daemon = home.serve();
    REQUIRE(home.status()["engine"] == "native");
    return embed(home, all_texts());
  }();
  return vectors;
}

void check_embeds(Home& home) {
  const auto vectors = embed(home, all_texts());
  for (size_t i = 0; i < vectors.size(); ++i) {
    CAPTURE(i);
    CHECK(cosine(vectors[i], native_vectors()[i]) >= kBetweenEngines);
  }
}

// Texts that can stand on a line, so often that they are many passes.
class Load {
 public:
  explicit Load(size_t lines) {
    while (chosen_.size() < lines) {
      for (size_t i = 0; i < all_texts().size() && chosen_.size() < lines; ++i) {
        const std::string& text = all_texts()[i];
        if (text.find_first_of("\r\n") != std::string::npos) continue;
        chosen_.push_back(i);
        input_ += text + "\n";
      }
    }
  }

  Running start(Home& home) const { return home.start({"embed", "--json"}, input_); }

  void check(Running& client) const {
    const Finished done = client.finish();
    CAPTURE(done.err);
    REQUIRE(done.exit_code == 0);
    const Json document = done.json();
    REQUIRE(document["embeddings"].size() == chosen_.size());
    size_t wrong = 0;
    for (size_t i = 0; i < chosen_.size(); ++i) {
      if (cosine(vector_of(document, i), native_vectors()[chosen_[i]]) < kBetweenEngines) ++wrong;
    }
    CHECK(wrong == 0);
  }

 private:
  std::vector<size_t> chosen_;  // Indices of texts, in the order of the lines.
  std::string input_;
};

void wait_for_work(Home& home) {
  REQUIRE(eventually([&] { return home.status()["queue_tokens"] > 0; }));
}

}  // namespace

TEST_CASE("both engines give every text the same vector, alone and batched", "[llama_server]") {
  const auto llama_server = real_llama_server();
  if (!llama_server) return;
  for (const char* profile : {"speed", "lowmem"}) {
    Home home;
    use_llama_server(home, *llama_server);
    home.set("RUNED_LLAMA_PROFILE", profile);
    Running daemon = home.serve();
    REQUIRE(home.status()["engine"] == "llama-server");
    const auto& texts = all_texts();
    const auto batched = embed(home, texts);
    for (size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(profile, texts[i]);
      const auto alone = embed(home, {texts[i]}).front();
      CHECK(cosine(alone, native_vectors()[i]) >= kBetweenEngines);
      CHECK(cosine(batched[i], native_vectors()[i]) >= kBetweenEngines);
      CHECK(cosine(batched[i], alone) >= kBetweenBatches);
    }
  }
}

TEST_CASE("a text of the most tokens has the same vector from both engines", "[llama_server]") {
  const auto llama_server = real_llama_server();
  if (!llama_server) return;
  std::string text;
  for (int i = 0; i < 600; ++i) text += "word" + std::to_string(i % 7) + " ";
  std::map<std::string, Json> documents;
  for (const char* engine : {"native", "llama-server"}) {
    Home home;
    use_llama_server(home, *llama_server);
    home.set("RUNED_ENGINE", engine);
    documents[engine] = home.run({"embed", "--json", "--truncate", "right", "--", text}).json();
    CHECK(documents[engine]["embeddings"][0]["tokens"] == 512);
    const Finished refused = home.run({"embed", "--", text});
    CHECK(refused.exit_code == 68);
    CHECK(refused.err.find("the model takes 512") != std::string::npos);
  }
  CHECK(documents["native"]["model_identity"] == documents["llama-server"]["model_identity"]);
  CHECK(cosine(vector_of(documents["native"], 0), vector_of(documents["llama-server"], 0)) >=
        kBetweenEngines);
}

TEST_CASE("an idle daemon ends its llama-server, and the next request starts it again",
          "[llama_server]") {
  const auto llama_server = real_llama_server();
  if (!llama_server) return;
  Home home;
  use_llama_server(home, *llama_server);
  home.set("RUNED_IDLE_TIMEOUT", "500ms");
  Running daemon = home.serve();
  check_embeds(home);
  home.wait_for_state("idle");
  CHECK(engine_processes(home).empty());
  CHECK_FALSE(has_zombie(daemon.pid()));
  check_embeds(home);
  CHECK(home.status()["pid"] == daemon.pid());
}

TEST_CASE("a llama-server that is killed under load costs no answer", "[llama_server]") {
  const auto llama_server = real_llama_server();
  if (!llama_server) return;
  Home home;
  use_llama_server(home, *llama_server);
  Running daemon = home.serve();
  const Load load(600);
  std::vector<Running> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(load.start(home));
  wait_for_work(home);
  for (int killed = 0, before = 0; killed < 3; ++killed) {
    const int engine = engine_process(home);
    CHECK(engine != before);
    before = engine;
    unwrap(runed::os::signal_process(engine, SIGKILL));
    REQUIRE(runed::os::wait_for_exit(engine, 5s));
  }
  for (Running& client : clients) load.check(client);
  CHECK(home.status()["state"] == "ok");
  CHECK_FALSE(has_zombie(daemon.pid()));
}

TEST_CASE("a llama-server that is killed while nobody asks is started again", "[llama_server]") {
  const auto llama_server = real_llama_server();
  if (!llama_server) return;
  Home home;
  use_llama_server(home, *llama_server);
  Running daemon = home.serve();
  const int engine = engine_process(home);
  unwrap(runed::os::signal_process(engine, SIGKILL));
  REQUIRE(runed::os::wait_for_exit(engine, 5s));
  check_embeds(home);
  CHECK(engine_process(home) != engine);
}

TEST_CASE("a llama-server that is stopped is found by those who wait for it, and replaced",
          "[llama_server]") {
  const auto llama_server = real_llama_server();
  if (!llama_server) return;
  Home home;
  use_llama_server(home, *llama_server);
  Running daemon = home.serve();
  // Before there is work: a fast machine may have done all of it before the stop arrives.
  const int engine = engine_process(home);
  unwrap(runed::os::signal_process(engine, SIGSTOP));
  const Load load(1000);
  Running client = load.start(home);
  load.check(client);
  CHECK(engine_process(home) != engine);
}

TEST_CASE("no llama-server is left, however a daemon ends", "[llama_server]") {
  const auto llama_server = real_llama_server();
  if (!llama_server) return;
  struct Way {
    const char* name;
    std::function<void(Home&, Running&)> end;
  };
  const auto by_signal = [](int number) {
    return [number](Home&, Running& daemon) { daemon.signal(number); };
  };
  const Way ways[] = {
      {"SIGTERM", by_signal(SIGTERM)},
      {"SIGINT", by_signal(SIGINT)},
      {"SIGHUP", by_signal(SIGHUP)},
      {"SIGKILL", by_signal(SIGKILL)},
      {"SIGSEGV", by_signal(SIGSEGV)},
      {"SIGABRT", by_signal(SIGABRT)},
      {"runed shutdown",
       [](Home& home, Running&) {
         CHECK(home.run({"shutdown", "--wait", "10"}).exit_code == 0);
       }},
      {"the socket is removed",
       [](Home& home, Running&) { unwrap(runed::os::remove_file(home / "embedding.sock")); }},
      {"a second signal while it drains",
       [](Home& home, Running& daemon) {
         Running client = Load(2000).start(home);
         wait_for_work(home);
         client.signal(SIGSTOP);  // It would start another daemon.
         daemon.signal(SIGTERM);
         CHECK(eventually([&] { return home.status()["state"] != "ok"; }));
         daemon.signal(SIGTERM);
       }},
      {"SIGKILL under load",
       [](Home& home, Running& daemon) {
         Running client = Load(2000).start(home);
         wait_for_work(home);
         client.signal(SIGKILL);  // As above.
         daemon.signal(SIGKILL);
       }},
  };
  for (const Way& way : ways) {
    CAPTURE(way.name);
    Home home;
    use_llama_server(home, *llama_server);
    Running daemon = home.serve();
    engine_process(home);
    way.end(home, daemon);
    REQUIRE(daemon.wait_for(20s));
    CHECK(eventually([&] { return engine_processes(home).empty(); }));
  }
}

TEST_CASE("no llama-server is left of a daemon that is ended while it starts", "[llama_server]") {
  const auto llama_server = real_llama_server();
  if (!llama_server) return;
  for (const int number : {SIGTERM, SIGKILL}) {
    CAPTURE(number);
    Home home;
    use_llama_server(home, *llama_server);
    Running daemon = home.start({"serve"});
    engine_process(home);
    daemon.signal(number);
    REQUIRE(daemon.wait_for(20s));
    CHECK(eventually([&] { return engine_processes(home).empty(); }));
  }
}

TEST_CASE("a llama-server that does not work is named, and nothing of it is left",
          "[llama_server]") {
  Home home;
  use_llama_server(home, write_stand_in(home.file("llama-server"), {"exits-at-once=3"}));
  const Finished done = home.run({"serve"});
  CAPTURE(done.err);
  CHECK(done.exit_code != 0);
  CHECK(done.err.find("the stand-in exits at once") != std::string::npos);
  CHECK(engine_processes(home).empty());
}
