#include <csignal>
#include <filesystem>

#include "install_support.hpp"
#include "stand_in_home.hpp"
#include "support/result_matchers.hpp"
#include "support/stand_in.hpp"

using runed::Json;
using runed::test::Finished;
using runed::test::Home;
using runed::test::Mirror;
using runed::test::read_text;
using runed::test::Running;
using runed::test::write_stand_in;
using runed::test::write_text;

namespace fs = std::filesystem;

namespace {

constexpr int kProblemFound = 5;

// The check of this name, or null.
Json find_check(const Json& report, const std::string& name) {
  for (const Json& check : report["checks"]) {
    if (check["name"] == name) return check;
  }
  return nullptr;
}

Json examine(Home& home, const std::string& name, int exit_code = 0) {
  const Finished done = home.run({"doctor", "--json"});
  CAPTURE(done.out, done.err);
  CHECK(done.exit_code == exit_code);
  const Json check = find_check(done.json(), name);
  REQUIRE_FALSE(check.is_null());
  return check;
}

bool contains(const Json& text, const std::string& part) {
  return text.get<std::string>().find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the doctor finds no problem where nothing was ever done, and leaves no trace",
          "[doctor]") {
  Home home;
  const Finished done = home.run({"doctor", "--json"});
  CAPTURE(done.out, done.err);
  CHECK(done.exit_code == 0);
  CHECK(done.json()["problems"] == 0);
  for (const char* name : {"configuration", "cpu", "compute", "threads", "home", "daemon", "model",
                           "engine", "memory", "llama-server"}) {
    CAPTURE(name);
    CHECK_FALSE(find_check(done.json(), name).is_null());
  }
  CHECK(contains(find_check(done.json(), "engine")["detail"], "it can serve this model"));
  CHECK(contains(find_check(done.json(), "daemon")["detail"], "none runs"));
  CHECK_FALSE(fs::exists(home / "daemon.lock"));
  CHECK_FALSE(fs::exists(home / "cache"));
}

TEST_CASE("the doctor tells what is set, and what it makes of the engine", "[doctor]") {
  Home home;
  home.set("RUNED_CPU", "portable");
  home.set("RUNED_COMPUTE", "f32");
  home.set("RUNED_THREADS", "64");
  const Finished done = home.run({"doctor"});
  CAPTURE(done.out);
  CHECK(done.exit_code == 0);
  CHECK(done.out.find("compute f32 (from environment)") != std::string::npos);
  CHECK(done.out.find("ok      compute       f32 of f32\n") != std::string::npos);
  CHECK(done.out.find("warning threads       64 on ") != std::string::npos);
  CHECK(done.out.find("ok      engine        native, f32, portable: ") != std::string::npos);
}

TEST_CASE("the doctor takes a wrong setting for a problem", "[doctor]") {
  Home home;
  home.set("RUNED_COMPUTE", "fp32");
  const Finished done = home.run({"doctor"});
  CHECK(done.exit_code == kProblemFound);
  CHECK(done.out.find("problem configuration RUNED_COMPUTE: unknown compute mode 'fp32'\n"
                      "                      to do: did you mean 'f32'?\n") == 0);
  CHECK(done.out.find("ok      compute       auto of ") != std::string::npos);
  Home other;
  other.set("RUNED_CPU", "sse2");
  CHECK(contains(examine(other, "cpu", kProblemFound)["advice"], "portable"));
  other.set("RUNED_CPU", "portable");
  other.set("RUNED_COMPUTE", "int8");
  CHECK(examine(other, "compute", kProblemFound)["detail"] == "int8 of f32");
  other.set("RUNED_ENGINE", "llama-server");  // To which both say nothing.
  other.set("RUNED_LLAMA_SERVER", "/nonexistent/llama-server");
  CHECK(other.run({"doctor"}).out.find(" compute  ") == std::string::npos);
}

TEST_CASE("the doctor tells a daemon that serves from one that hangs", "[doctor]") {
  Home home;
  Running daemon = home.serve();
  CHECK(examine(home, "daemon")["detail"] ==
        fmt::format("pid {} is ok and serves runed-mini", daemon.pid()));
  daemon.signal(SIGSTOP);
  const Json silent = examine(home, "daemon", kProblemFound);
  daemon.signal(SIGCONT);
  CHECK(contains(silent["detail"], "does not answer"));
  CHECK(silent["advice"] == "'runed shutdown --force' ends it");
}

TEST_CASE("the doctor notices that an installed model was changed, without reading it",
          "[doctor]") {
  const Mirror mirror;
  Home home;
  home.set("RUNED_MANIFEST", mirror.manifest_url());
  CHECK(contains(examine(home, "model")["detail"], "is not installed"));
  REQUIRE(home.run({"install", "--model-only"}).exit_code == 0);
  CHECK(examine(home, "model")["outcome"] == "ok");

  const std::string model = home / "models/tiny.q8_0.gguf";
  std::string bytes = read_text(model);
  bytes.back() = static_cast<char>(~bytes.back());
  write_text(model, bytes);
  CHECK(examine(home, "model")["outcome"] == "warning");
  home.run({"verify"});  // Reads it.
  const Json damaged = examine(home, "model", kProblemFound);
  CHECK(contains(damaged["detail"], "is not what was installed"));
  CHECK(contains(damaged["advice"], "runed install --variant tiny.q8_0"));
}

TEST_CASE("the doctor asks the llama-server that is named", "[doctor]") {
  Home home;
  home.set("RUNED_ENGINE", "llama-server");
  CHECK(contains(examine(home, "llama-server")["detail"], "none is installed"));
  const Json engine = examine(home, "engine");  // The manifest in the executable has one.
  CHECK(engine["outcome"] == "warning");
  CHECK(contains(engine["advice"], "runed install --engine-only"));
  home.set("RUNED_LLAMA_SERVER", write_stand_in(home.file("my-server")));
  CHECK(contains(examine(home, "llama-server")["detail"], "my-server' "));
  CHECK(contains(examine(home, "engine")["detail"], "llama-server: "));
  home.set("RUNED_LLAMA_SERVER", "/no/such");
  CHECK(examine(home, "llama-server", kProblemFound)["outcome"] == "problem");
}

TEST_CASE("the doctor sees a home that others can change", "[doctor]") {
  Home home;
  fs::create_directories(home.path());
  fs::permissions(home.path(), fs::perms::owner_all);
  CHECK(examine(home, "home")["outcome"] == "ok");
  fs::permissions(home.path(), fs::perms::others_read | fs::perms::others_exec,
                  fs::perm_options::add);
  CHECK(examine(home, "home")["outcome"] == "ok");
  fs::permissions(home.path(), fs::perms::others_write, fs::perm_options::add);
  const Json open = examine(home, "home", kProblemFound);
  CHECK(open["advice"] == "run: chmod go-w '" + home.path() + "'");
  CHECK(home.run({"verify", "--fix"}).exit_code == 77);  // The mode is its owner's to change.
  CHECK(home.run_shell("chmod go-w '" + home.path() + "'").exit_code == 0);
  CHECK(examine(home, "home")["outcome"] == "ok");
}

TEST_CASE("the doctor calls a home usable exactly if embed can use it", "[doctor]") {
  Home home;
  fs::create_directory(home.file("fresh"));
  fs::permissions(home.file("fresh"), fs::perms::owner_all);
  fs::create_symlink(home.file("gone"), home.file("dangling"));
  fs::create_directories(home.file("logless"));
  fs::permissions(home.file("logless"), fs::perms::owner_all);
  fs::create_symlink(home.file("gone"), home.file("logless/logs"));
  write_text(home.file("file"), "x");
  for (const std::string& path :
       {home.file("fresh"), home.file("not/there/yet"), home.file("dangling"), home.file("logless"),
        home.file("file"), std::string("/proc/none"), std::string("/sys/none"),
        std::string("/dev/null/none")}) {
    CAPTURE(path);
    const Finished doctor = home.run({"doctor", "--json", "--home", path});
    const Finished embed = home.run({"embed", "--home", path, "x"});
    CAPTURE(doctor.out, embed.err);
    CHECK((find_check(doctor.json(), "home")["outcome"] == "ok") == (embed.exit_code == 0));
    CHECK((doctor.exit_code == 0 || doctor.exit_code == kProblemFound));
    CHECK((embed.exit_code == 0 || embed.exit_code == 77));
    home.run({"shutdown", "--wait", "30", "--home", path});
  }
}

TEST_CASE("the doctor goes on behind a config.json that cannot be read", "[doctor]") {
  Home home;
  fs::create_directories(home.path());
  fs::permissions(home.path(), fs::perms::owner_all);
  write_text(home / "config.json", "{");
  const Finished done = home.run({"doctor", "--json"});
  CAPTURE(done.out);
  CHECK(done.exit_code == kProblemFound);
  CHECK(done.json()["problems"] == 1);
  CHECK(contains(find_check(done.json(), "configuration")["detail"], "invalid JSON"));
  for (const char* name : {"cpu", "threads", "home", "daemon", "model", "engine", "memory"}) {
    CAPTURE(name);
    CHECK_FALSE(find_check(done.json(), name).is_null());
  }
}

TEST_CASE("the doctor tells the daemon that runs from the next one", "[doctor]") {
  Home home;
  Running daemon = home.serve({"--compute", "f32", "--cpu", "portable", "--engine", "native"});
  const Finished done = home.run({"doctor", "--json"});
  CAPTURE(done.out);
  CHECK(done.exit_code == 0);
  CHECK(contains(find_check(done.json(), "model")["detail"], "which the daemon that runs serves"));
  CHECK(find_check(done.json(), "engine")["detail"] == "native, f32, portable: --engine says so");
  CHECK(contains(find_check(done.json(), "next engine")["detail"], ": it can serve this model"));
  CHECK(find_check(done.json(), "next model").is_null());  // It is the same.
  home.set("RUNED_MODEL_VARIANT", "none");
  const Json next = examine(home, "next model", kProblemFound);  // It is named, so embed refuses.
  CHECK(contains(next["detail"], "none is not installed"));
}

TEST_CASE("the doctor sees a socket on which no daemon could listen", "[doctor]") {
  Home home;
  write_text(home.file("file"), "x");
  home.set("RUNED_SOCKET", home.file("file"));
  CHECK(
      contains(examine(home, "daemon", kProblemFound)["detail"], "a regular file is in its place"));
  home.set("RUNED_SOCKET", "/proc/none/s.sock");
  CHECK(
      contains(examine(home, "daemon", kProblemFound)["detail"], "nothing can be made in '/proc'"));
}

TEST_CASE("a llama-server that is broken and not needed is no problem", "[doctor]") {
  Home home;
  fs::create_directories(home.path());
  fs::permissions(home.path(), fs::perms::owner_all);
  write_text(home / "installed.json", "{");
  home.set("RUNED_MODEL", "builtin:runed-mini");
  home.set("RUNED_ENGINE", "native");
  CHECK(examine(home, "llama-server")["outcome"] == "warning");
  CHECK(home.run({"embed", "x"}).exit_code == 0);
}

TEST_CASE("a llama-server that the daemon would fetch for a model is no problem", "[doctor]") {
  runed::test::StandInHome home;  // Its model is for no other engine.
  home.set("RUNED_ENGINE", "");
  home.set("RUNED_LLAMA_SERVER", "");
  const Json fetched = examine(home, "engine");
  CHECK(fetched["outcome"] == "warning");
  CHECK(contains(fetched["detail"], "the daemon fetches it when it starts"));
  write_text(home.file("manifest.json"), R"({"version":1,"models":{}})");
  home.set("RUNED_MANIFEST", home.file("manifest.json"));
  CHECK(contains(examine(home, "engine", kProblemFound)["detail"], "'llama-embed'"));
}

TEST_CASE("a runed_binary that is no program is a fault of config.json", "[doctor]") {
  Home home;
  fs::create_directories(home.path());
  fs::permissions(home.path(), fs::perms::owner_all);
  write_text(home / "config.json", fmt::format(R"({{"runed_binary":"{}"}})", home.file("none")));
  CHECK(examine(home, "daemon", kProblemFound)["advice"] ==
        "runed_binary in config.json names it: correct the path, or leave it out");
  const Finished embedded = home.run({"embed", "x"});
  CHECK(embedded.exit_code == 78);
  CHECK(embedded.err.find("it is no file that can be executed") != std::string::npos);
  CHECK(home.run({"status"}).exit_code == 3);
}
