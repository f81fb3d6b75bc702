// A daemon that reads config.json again while it runs.
#include <csignal>

#include "several_models.hpp"
#include "support/eventually.hpp"

using runed::Json;
using runed::test::check_is_of;
using runed::test::configure;
using runed::test::embed_directly;
using runed::test::eventually;
using runed::test::find_model;
using runed::test::Finished;
using runed::test::Home;
using runed::test::kBuiltin;
using runed::test::kModelError;
using runed::test::kOther;
using runed::test::kTiny;
using runed::test::path_entry;
using runed::test::Running;
using runed::test::with_model;
using runed::test::write_text;

namespace fs = std::filesystem;

namespace {

constexpr int kUnavailable = 69;
constexpr int kBadConfig = 78;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Json with_notes(Json rest = Json::object()) {
  rest["models"] = {{"notes", path_entry(kTiny)}};
  return rest;
}

Json reload(Home& home) {
  const Finished done = home.run({"reload", "--json"});
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  return done.json();
}

}  // namespace

TEST_CASE("config.json that was edited brings models and takes them away", "[reload]") {
  Home home;
  configure(home, Json::object());
  const Running daemon = home.serve();
  CHECK(home.run({"reload"}).out == "nothing has changed\n");
  configure(home, with_notes({{"threads", 1}, {"idle_timeout", "7m"}}));
  CHECK(home.run(with_model("notes", "hello")).exit_code == 0);  // By its path.
  CHECK(find_model(home, "notes").is_null());
  const Finished done = home.run({"reload"});
  CAPTURE(done.out, done.err);
  CHECK(done.exit_code == 0);
  CHECK(done.err.empty());
  CHECK(contains(done.out, "idle_timeout is '7m' instead of '10m'\n"));
  CHECK(contains(done.out, "models is '"));
  CHECK(contains(done.out,
                 "threads is '1' instead of '': that needs a new start\n"
                 "'runed shutdown --wait 10' ends it, and the next one has what is named "
                 "now\n"));
  CHECK(find_model(home, "notes")["path"] == kTiny);
  CHECK(find_model(home, "notes")["keep_alive"] == "7m");
  const Json status = home.status();
  CHECK(status["pid"] == daemon.pid());
  CHECK(status["config"]["idle_timeout"] == Json{{"value", "7m"}, {"origin", "config"}});
  CHECK(status["config"]["threads"]["wanted"] == "1");

  configure(home, {{"threads", 1}});
  const Json removed = reload(home);
  CHECK(removed["changed"].size() == 2);
  CHECK(removed["needs_start"] == Json{"threads is '1' instead of ''"});
  CHECK(find_model(home, "notes").is_null());
  const Finished gone = home.run({"embed", "--model", "notes", "hello"});
  CHECK(gone.exit_code == kModelError);
  CHECK(contains(gone.err, "there is no model 'notes'"));
}

TEST_CASE("a name that leads to another file by now is that one's", "[reload]") {
  Home home;
  configure(home, with_notes());
  const Running daemon = home.serve();
  check_is_of(home.run(with_model("notes", "hello")), embed_directly(kTiny, "hello"));
  configure(home, {{"models", {{"notes", path_entry(kOther)}}}});
  CHECK(reload(home)["changed"].size() == 1);
  check_is_of(home.run(with_model("notes", "hello")), embed_directly(kOther, "hello"));
  CHECK(find_model(home, "notes")["path"] == kOther);
}

TEST_CASE("the default model has the names that config.json gives it now", "[reload]") {
  Home home;
  configure(home, with_notes());
  const Running daemon = home.serve({"--model", kTiny});
  CHECK(find_model(home, "notes")["default"] == true);
  configure(home, Json::object());
  reload(home);
  CHECK(find_model(home, "notes").is_null());
  CHECK(find_model(home, "qwen3-3x256.q8_0")["default"] == true);
}

TEST_CASE("a model that is to be kept from now on is loaded", "[reload]") {
  Home home;
  configure(home, with_notes());
  const Running daemon = home.serve();
  CHECK(find_model(home, "notes")["state"] == "idle");
  Json kept = path_entry(kTiny);
  kept["keep_alive"] = "always";
  configure(home, {{"models", {{"notes", kept}}}});
  reload(home);
  CHECK(eventually([&] { return find_model(home, "notes")["state"] == "ok"; }));
  CHECK(find_model(home, "notes")["requests"] == 0);
}

TEST_CASE("a budget that is smaller from now on has models give their memory back", "[reload]") {
  Home home;
  configure(home, with_notes());
  const Running daemon = home.serve();
  REQUIRE(home.run(with_model("notes", "hello")).exit_code == 0);
  CHECK(find_model(home, kBuiltin)["state"] == "ok");
  configure(home, with_notes({{"memory_budget", "1B"}}));
  reload(home);
  CHECK(eventually([&] { return find_model(home, kBuiltin)["state"] == "idle"; }));
  CHECK(find_model(home, kBuiltin)["evictions"] == 1);
  CHECK(find_model(home, "notes")["state"] == "ok");  // One is served, whatever its size.
  check_is_of(home.run({"embed", "--json", "hello"}), embed_directly(kBuiltin, "hello"));
  CHECK(eventually([&] { return find_model(home, "notes")["state"] == "idle"; }));
  CHECK(home.status()["config"]["memory_budget"]["value"] == "1");
}

TEST_CASE("SIGUSR1 has the daemon read config.json again", "[reload]") {
  Home home;
  configure(home, Json::object());
  Running daemon = home.serve();
  configure(home, with_notes());
  daemon.signal(SIGUSR1);
  CHECK(eventually([&] { return !find_model(home, "notes").is_null(); }));
  check_is_of(home.run(with_model("notes", "hello")), embed_directly(kTiny, "hello"));
  CHECK(contains(daemon.err(), "reloaded"));
  write_text(home / "config.json", "{");
  daemon.signal(SIGUSR1);
  CHECK(eventually([&] { return contains(daemon.err(), "cannot reload"); }));
  configure(home, Json::object());
  daemon.signal(SIGUSR1);
  CHECK(eventually([&] { return find_model(home, "notes").is_null(); }));
  CHECK_FALSE(daemon.has_ended());
}

TEST_CASE("a config.json that is wrong changes nothing", "[reload]") {
  Home home;
  const Json before = with_notes({{"idle_timeout", "7m"}});
  configure(home, before);
  const Running daemon = home.serve();
  const Json config = home.status()["config"];
  for (const char* wrong :
       {"{", R"({"modle": "/m.gguf"})", R"({"idle_timeout": "never"})",
        R"({"idle_timeout": "8m", "models": {"notes": {"path": "/x.gguf", "variant": "x"}}})"}) {
    CAPTURE(wrong);
    write_text(home / "config.json", wrong);
    const Finished done = home.run({"reload"});
    CHECK(done.exit_code == kBadConfig);
    CHECK(done.out.empty());
    CHECK(contains(done.err, home / "config.json"));
  }
  configure(home, before);
  CHECK(home.status()["config"] == config);
  CHECK(home.run({"reload"}).out == "nothing has changed\n");
  check_is_of(home.run(with_model("notes", "hello")), embed_directly(kTiny, "hello"));
}

TEST_CASE("models that cannot be told apart change nothing", "[reload]") {
  Home home;
  configure(home, with_notes());
  const Running daemon = home.serve();
  for (const char* name : {"a.q8_0.gguf", "b.q8_0.gguf"}) fs::copy(kTiny, home / "models/" + name);
  configure(home, {{"idle_timeout", "7m"}, {"models", {{"mine", {{"variant", "q8_0"}}}}}});
  const Finished done = home.run({"reload"});
  CAPTURE(done.out, done.err);
  CHECK(done.exit_code == kBadConfig);
  CHECK(contains(done.err, "variant 'q8_0' could be any of: a.q8_0, b.q8_0"));
  configure(home, with_notes());
  CHECK(home.run({"reload"}).out == "nothing has changed\n");
  CHECK(find_model(home, "notes")["keep_alive"] == "10m");
}

TEST_CASE("without a daemon there is nothing that could be reloaded", "[reload]") {
  Home home;
  const Finished done = home.run({"reload"});
  CHECK(done.exit_code == kUnavailable);
  CHECK(done.err == "runed: error: no daemon runs: nothing listens on '" + home / "embedding.sock" +
                        "'\n"
                        "hint: the next one reads config.json when it starts\n");
  Home elsewhere;
  const Running daemon = elsewhere.start({"serve", "--socket", elsewhere.file("s.sock")});
  const std::vector<std::string> wait{"status", "--socket", elsewhere.file("s.sock"),
                                      "--wait-ready", "20"};
  REQUIRE(elsewhere.run(wait).exit_code == 0);
  const Finished other = elsewhere.run({"reload"});
  CHECK(other.exit_code == kUnavailable);
  CHECK(contains(other.err, elsewhere.file("s.sock")));
}
