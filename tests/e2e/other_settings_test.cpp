// A command beside a daemon that has a model, an engine or settings other than those named.
#include <csignal>
#include <filesystem>

#include "install_support.hpp"
#include "os/process/process.hpp"
#include "several_models.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::check_is_of;
using runed::test::embed_directly;
using runed::test::Finished;
using runed::test::Home;
using runed::test::kModelError;
using runed::test::kOther;
using runed::test::kTiny;
using runed::test::read_text;
using runed::test::Running;
using runed::test::unwrap;
using runed::test::write_text;

namespace fs = std::filesystem;

namespace {

constexpr int kMismatch = 72;
constexpr int kOtherSettings = 73;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// `embed` with one variable set, and what it must end with.
Finished embed_with(Home& home, const std::string& variable, const std::string& value,
                    std::vector<std::string> arguments = {"embed", "hello"}) {
  home.set(variable, value);
  Finished done = home.run(std::move(arguments));
  home.set(variable, "");
  return done;
}

/// The same with a document of the model that has answered.
Finished embed_json_with(Home& home, const std::string& variable, const std::string& value) {
  return embed_with(home, variable, value, {"embed", "--json", "hello"});
}

}  // namespace

TEST_CASE(
    "a model that is named and that the daemon does not serve is had beside its own, or an error",
    "[other_model]") {
  Home home;
  const Running daemon = home.serve();
  const std::string pid = std::to_string(daemon.pid());
  const Finished absent = embed_with(home, "RUNED_MODEL", "/nope.gguf");
  CHECK(absent.exit_code == kModelError);
  CHECK(contains(absent.err, "there is no model file '/nope.gguf'"));

  check_is_of(embed_json_with(home, "RUNED_MODEL", kTiny), embed_directly(kTiny, "hello"));

  const Finished variant = embed_with(home, "RUNED_MODEL_VARIANT", "f16");
  CHECK(variant.exit_code == kModelError);
  CHECK(variant.out.empty());
  CHECK(contains(variant.err, "there is no model 'f16'"));
  CHECK(contains(variant.err, "builtin:runed-mini"));
  // Which model that is, nobody knows.
  const Finished manifest = embed_with(home, "RUNED_MANIFEST", "https://127.0.0.1:9/m.json");
  CHECK(manifest.exit_code == kMismatch);
  CHECK(manifest.out.empty());
  CHECK(contains(manifest.err,
                 "RUNED_MANIFEST names the manifest's default model, but the daemon "
                 "that runs serves 'builtin:runed-mini' (sha256:"));
  CHECK(contains(manifest.err, "'runed shutdown --wait 10' ends it"));

  const Finished same = embed_with(home, "RUNED_MODEL", "builtin:runed-mini");
  CHECK(same.exit_code == 0);
  CHECK(same.err.empty());
  CHECK(embed_with(home, "RUNED_MODEL_VARIANT", "builtin:runed-mini").err.empty());
}

TEST_CASE("a model is the same by whatever path it is named, and its file may be replaced",
          "[other_model]") {
  Home home;
  const std::string file = home.file("m.gguf");
  fs::copy(kTiny, file);
  const Running daemon = home.serve({"--model", file});
  const Json served = embed_directly(kTiny, "hello");
  fs::create_hard_link(file, home.file("n.gguf"));
  fs::create_symlink(file, home.file("link.gguf"));
  fs::copy(file, home.file("copy.gguf"));
  for (const char* name : {"m.gguf", "n.gguf", "link.gguf", "copy.gguf"}) {
    CAPTURE(name);
    check_is_of(embed_json_with(home, "RUNED_MODEL", home.file(name)), served);
  }
  // Nothing is named: the daemon was told by its flag.
  CHECK(home.run({"embed", "hello"}).err.empty());
  fs::copy(kOther, home.file("new.gguf"));
  fs::rename(home.file("new.gguf"), file);
  // By the path that the daemon was told it is what that serves, as README says, which is said.
  const std::string note =
      "note: '" + file + "' is not the file any more that the daemon that runs";
  const Finished replaced = embed_with(home, "RUNED_MODEL", file);
  CHECK(replaced.exit_code == 0);
  CHECK(contains(replaced.err, note));
  CHECK(embed_json_with(home, "RUNED_MODEL", file).json()["model_identity"] ==
        served["model_identity"]);
  // By another path it is the file that is there now.
  check_is_of(embed_json_with(home, "RUNED_MODEL", home.file("link.gguf")),
              embed_directly(kOther, "hello"));
  CHECK(home.run({"embed", "hello"}).err.empty());
  fs::remove(file);
  const Finished removed = embed_with(home, "RUNED_MODEL", file);
  CHECK(removed.exit_code == 0);
  CHECK(embed_json_with(home, "RUNED_MODEL", file).json()["model_identity"] ==
        served["model_identity"]);
  CHECK(contains(removed.err, note));
}

TEST_CASE("an engine that is named and that does not compute is an error", "[other_model]") {
  Home home;
  const Running daemon = home.serve();
  const Finished engine = embed_with(home, "RUNED_ENGINE", "llama-server");
  CAPTURE(engine.err);
  CHECK(engine.exit_code == kOtherSettings);
  CHECK(
      contains(engine.err,
               "RUNED_ENGINE names the engine llama-server, but the daemon that runs has native"));
  const Finished server = embed_with(home, "RUNED_LLAMA_SERVER", "/usr/bin/env");
  CHECK(server.exit_code == kOtherSettings);
  CHECK(contains(server.err,
                 "RUNED_LLAMA_SERVER is '/usr/bin/env', but for the daemon that runs it "
                 "is not set"));
  for (const char* same : {"native", "auto"}) {
    const Finished done = embed_with(home, "RUNED_ENGINE", same);
    CAPTURE(same, done.err);
    CHECK(done.exit_code == 0);
    CHECK(done.err.empty());
  }
}

TEST_CASE("another setting that is named and not in force is said in a line", "[other_model]") {
  Home home;
  const Running daemon = home.serve();
  const std::vector<std::pair<std::string, std::string>> named{
      {"RUNED_COMPUTE", "f32"},  {"RUNED_CTX_SIZE", "100"}, {"RUNED_THREADS", "1"},
      {"RUNED_CPU", "portable"}, {"RUNED_CACHE_MB", "7"},   {"RUNED_IDLE_TIMEOUT", "7m"}};
  for (const auto& [variable, value] : named) {
    const Finished done = embed_with(home, variable, value);
    CAPTURE(variable, done.err);
    CHECK(done.exit_code == 0);
    CHECK(contains(done.err, "runed: note: " + variable + " is '" + value +
                                 "', but for the daemon that runs it is "));
    CHECK(std::ranges::count(done.err, '\n') == 1);
  }
  // In force, though the daemon was not told so.
  CHECK(embed_with(home, "RUNED_CTX_SIZE", "512").err.empty());
  CHECK(embed_with(home, "RUNED_LLAMA_PROFILE", "lowmem").err.empty());
}

TEST_CASE("a config.json that was edited since is not passed over in silence", "[other_model]") {
  Home home;
  const Running daemon = home.serve();
  write_text(home / "config.json", R"({"compute": "f32"})");
  const Finished note = home.run({"embed", "hello"});
  CHECK(note.exit_code == 0);
  CHECK(contains(note.err, "compute in config.json is 'f32', but for the daemon that runs it is"));
  write_text(home / "config.json", R"({"model": ")" + kTiny + R"("})");
  check_is_of(home.run({"embed", "--json", "hello"}), embed_directly(kTiny, "hello"));
  const Finished doctor = home.run({"doctor"});
  CAPTURE(doctor.out);
  CHECK(doctor.exit_code == 5);
  CHECK(contains(doctor.out, "model in config.json names '" + kTiny + "'"));
  write_text(home / "config.json", R"({"modle": "/m.gguf"})");
  const Finished misspelt = home.run({"embed", "hello"});
  CHECK(misspelt.exit_code == 78);
  CHECK(contains(misspelt.err, "unknown key 'modle'\nhint: did you mean 'model'?"));
}

TEST_CASE("a daemon that was told by a flag is not measured by config.json", "[other_model]") {
  Home home;
  fs::create_directories(home.path());
  write_text(home / "config.json", R"({"model_variant": "q8_0", "engine": "llama-server"})");
  const Running daemon =
      home.serve({"--variant", "builtin:runed-mini", "--engine", "native", "--threads", "1"});
  const Finished done = home.run({"embed", "hello"});
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  CHECK(done.err.empty());
}

TEST_CASE("a model that was put in place since is said to be the next one's", "[other_model]") {
  Home home;
  const Running daemon = home.serve();
  fs::copy(kTiny, home / "models/tiny.gguf");
  const Finished done = home.run({"embed", "hello"});
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  CHECK(contains(done.err, "note: the daemon that runs serves 'builtin:runed-mini' (sha256:"));
  CHECK(contains(done.err, "; the next one would serve 'tiny'"));
}

TEST_CASE("a daemon that died with its flags is not replaced in silence", "[other_model]") {
  Home home;
  {
    const Running daemon = home.serve({"--model", kTiny, "--threads", "1"});
    unwrap(runed::os::signal_process(daemon.pid(), SIGKILL));
    REQUIRE(runed::os::wait_for_exit(daemon.pid(), std::chrono::seconds(5)));
    const Finished done = home.run({"embed", "hello"});
    CAPTURE(done.err);
    CHECK(done.exit_code == 0);
    CHECK(contains(done.err, fmt::format("note: the daemon before (pid {}) has died, and the one "
                                         "that was started now has other settings: model is not "
                                         "set instead of '{}'",
                                         daemon.pid(), kTiny)));
    CHECK(contains(done.err, "threads is not set instead of '1'"));
  }
  CHECK_FALSE(contains(home.run({"embed", "hello"}).err, "has died"));
  // One that ends in order leaves nothing to be told.
  CHECK(home.run({"shutdown", "--wait", "20"}).exit_code == 0);
  CHECK_FALSE(fs::exists(home / "cache/daemon.json"));
  {
    Running daemon = home.serve({"--threads", "1"});
    CHECK(home.run({"shutdown", "--wait", "20"}).exit_code == 0);
  }
  CHECK_FALSE(contains(home.run({"embed", "hello"}).err, "has died"));
}

TEST_CASE("a daemon that gave up is not said to have died", "[other_model]") {
  Home home;
  home.set("RUNED_MODEL", "/dev/null");
  CHECK(home.run({"embed", "hello"}).exit_code == kModelError);
  home.set("RUNED_MODEL", "");
  const Finished done = home.run({"embed", "hello"});  // At once: the first may be on its way out.
  CHECK(done.exit_code == 0);
  CHECK_FALSE(contains(done.err, "has died"));
}

TEST_CASE("serve beside a daemon ends well only if that has the same settings", "[other_model]") {
  Home home;
  const Running daemon = home.serve({"--threads", "1"});
  CHECK(home.run({"serve", "--threads", "1"}).exit_code == 0);
  const Finished threads = home.run({"serve", "--threads", "2"});
  CAPTURE(threads.err);
  CHECK(threads.exit_code == kOtherSettings);
  CHECK(contains(threads.err, fmt::format("a daemon with other settings serves this home already "
                                          "(pid {}): --threads is '2'",
                                          daemon.pid())));
  CHECK(home.run({"serve"}).exit_code == kOtherSettings);
  CHECK(home.run({"serve", "--threads", "1", "--model", kTiny}).exit_code == kOtherSettings);
}
