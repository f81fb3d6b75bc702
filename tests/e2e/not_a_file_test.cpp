// Whatever is in the place of one of our files, every command ends, and says what it is: nothing waits
// for the other end of a FIFO, reads a device that has no end, or writes where a link leads.

#include <csignal>
#include <filesystem>

#include "runed_process.hpp"
#include "support/not_a_file.hpp"
#include "support/result_matchers.hpp"

namespace {

namespace fs = std::filesystem;
using runed::test::all_that_is_no_file;
using runed::test::Finished;
using runed::test::Home;
using runed::test::NotAFile;
using runed::test::read_text;
using runed::test::Running;
using runed::test::write_text;

constexpr std::chrono::seconds kTimeLimit{20};

// Runs a command that must end by itself, and in time.
Finished run_in_time(Home& home, const std::vector<std::string>& arguments,
                     const std::string& input = {}) {
  Running command = home.start(arguments, input);
  if (!command.wait_for(kTimeLimit)) FAIL("it does not end; stderr: " << command.err());
  Finished done = command.finish();
  CAPTURE(done.out);
  CAPTURE(done.err);
  CHECK(done.exit_code < 128);
  return done;
}

void make_home(Home& home) {
  for (const char* name : {"logs", "cache", "models", "licenses"}) {
    fs::create_directories(home / name);
  }
  fs::permissions(home.path(), fs::perms::owner_all);
}

struct OurFile {
  std::string name;
  int embed_exit_code;  // 0: embedding does without the file.
};

// What is read of these is regular, or is not there.
const std::vector<OurFile> kFiles{
    {"config.json", 78},      {"installed.json", 78},      {"cache/record.json", 0},
    {"cache/daemon.json", 0}, {"cache/centroids.bin", 0},  {"licenses/NOTICE", 0},
    {"daemon.lock", 69},      {"spawn.lock", 74},          {"install.lock", 0},
    {"logs/daemon.log", 74},  {"logs/llama-server.log", 0}};

}  // namespace

TEST_CASE("whatever is in the place of a file of the home, every command ends", "[not_a_file]") {
  for (const OurFile& file : kFiles) {
    for (const NotAFile& other : all_that_is_no_file()) {
      CAPTURE(file.name);
      CAPTURE(other.name);
      Home home;
      make_home(home);
      other.make(home / file.name);
      const Finished embedded = run_in_time(home, {"embed", "hello"});
      CAPTURE(embedded.err);
      CHECK(embedded.exit_code == file.embed_exit_code);
      if (embedded.exit_code != 0) {
        CHECK(embedded.err.find(file.name) != std::string::npos);
        CHECK(embedded.err.find("not a regular file") != std::string::npos);
        CHECK(embedded.err.find("hint: ") != std::string::npos);
      }
      for (const std::vector<std::string>& command : {std::vector<std::string>{"status"},
                                                      {"doctor"},
                                                      {"verify"},
                                                      {"gc", "--dry-run"},
                                                      {"install", "--list"},
                                                      {"embed", "--direct", "hello"},
                                                      {"shutdown", "--wait", "10"}}) {
        CAPTURE(command.front());
        run_in_time(home, command);
      }
    }
  }
}

TEST_CASE("a daemon whose files become something else serves on and ends when it is told",
          "[not_a_file]") {
  for (const NotAFile& other : all_that_is_no_file()) {
    CAPTURE(other.name);
    Home home;
    Running daemon = home.serve();
    for (const OurFile& file : kFiles) {
      if (file.name == "config.json" || file.name == "installed.json") continue;
      fs::remove(home / file.name);
      fs::create_directories(fs::path(home / file.name).parent_path());
      other.make(home / file.name);
    }
    CHECK(run_in_time(home, {"embed", "hello"}).exit_code == 0);
    daemon.signal(SIGTERM);
    CHECK(daemon.wait_for(kTimeLimit));
  }
}

TEST_CASE("what a user names is looked at before it is opened", "[not_a_file]") {
  for (const NotAFile& other : all_that_is_no_file()) {
    CAPTURE(other.name);
    Home home;
    make_home(home);
    const std::string path = home.file("it");
    other.make(path);
    const auto refuses = [&](const char* variable, int exit_code,
                             const std::vector<std::string>& command) {
      CAPTURE(variable);
      home.set(variable, path);
      const Finished done = run_in_time(home, command);
      CAPTURE(done.err);
      CHECK(done.exit_code == exit_code);
      CHECK(done.err.find(other.told) != std::string::npos);
      home.set(variable, "");
    };
    refuses("RUNED_MODEL", 71, {"embed", "--direct", "hello"});
    refuses("RUNED_CONFIG", 78, {"embed", "hello"});
    refuses("RUNED_MANIFEST", 78, {"install", "--list"});
    if (other.name != "directory") {
      const Finished bundle = run_in_time(home, {"install", "--from", path, "--list"});
      CAPTURE(bundle.err);
      CHECK(bundle.exit_code == 65);
      CHECK(bundle.err.find(other.told) != std::string::npos);
    }
    const Finished exported = run_in_time(home, {"install", "--export", path});
    CAPTURE(exported.err);
    CHECK(exported.exit_code == 74);
    CHECK(exported.err.find(other.told) != std::string::npos);
  }
}

TEST_CASE("what is in the place of the daemon's socket is told, unless it is one", "[not_a_file]") {
  for (const NotAFile& other : all_that_is_no_file()) {
    CAPTURE(other.name);
    Home home;
    make_home(home);
    other.make(home / "embedding.sock");
    const Finished done = run_in_time(home, {"embed", "hello"});
    CAPTURE(done.err);
    CHECK(done.exit_code == (other.name == "socket" ? 0 : 78));
    for (const char* command : {"status", "doctor", "shutdown"}) run_in_time(home, {command});
  }
}

TEST_CASE("a FIFO is an input like any other", "[not_a_file]") {
  Home home;
  const Finished done =
      home.run_shell("'" RUNED_EXECUTABLE "' embed --direct --file <(echo one; echo two) | wc -l");
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  CHECK(done.out == "2\n");
}

TEST_CASE("links at the places that are written to are not followed", "[not_a_file]") {
  for (const OurFile& file : kFiles) {
    if (!file.name.ends_with(".lock") && !file.name.ends_with(".log")) continue;
    CAPTURE(file.name);
    Home home;
    make_home(home);
    write_text(home.file("precious"), "precious");
    fs::create_symlink(home.file("precious"), home / file.name);
    const Finished done = run_in_time(home, {"embed", "hello"});
    CAPTURE(done.err);
    CHECK(done.exit_code == file.embed_exit_code);
    run_in_time(home, {"shutdown", "--wait", "10"});
    CHECK(read_text(home.file("precious")) == "precious");
  }
}

TEST_CASE("a file with a hole of 100 GB in the place of a model is not read to its end",
          "[not_a_file]") {
  using namespace std::string_view_literals;
  constexpr std::string_view kBegin = "GGUF\3\0\0\0"sv;
  constexpr std::string_view kNone = "\0\0\0\0\0\0\0\0"sv;
  constexpr std::string_view kBillion = "\0\0\0\x40\0\0\0\0"sv;
  const std::vector<std::pair<std::string, std::string>> models{
      {"", "not a GGUF file: it starts with '\\x00\\x00\\x00\\x00'"},
      // Nothing is reserved for what a header claims, and no digest is computed before it is read.
      {fmt::format("{}{}{}", kBegin, kBillion, kNone), "has 0 dimensions"},
      {fmt::format("{}{}{}", kBegin, kNone, kBillion), "key '' at byte 45 is there twice"},
  };
  for (const auto& [begin, told] : models) {
    CAPTURE(told);
    Home home;
    make_home(home);
    const std::string path = home.file("m.gguf");
    write_text(path, begin);
    fs::resize_file(path, uint64_t{100} << 30);
    // Nor where a daemon serves another model.
    CHECK(run_in_time(home, {"embed", "hello"}).exit_code == 0);
    home.set("RUNED_MODEL", path);
    CHECK(run_in_time(home, {"embed", "hello"}).exit_code != 0);
    CHECK(run_in_time(home, {"shutdown", "--wait", "10"}).exit_code == 0);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"serve"}, {"embed", "--direct", "hello"}, {"embed", "hello"}}) {
      CAPTURE(command);
      const Finished done = run_in_time(home, command);
      CAPTURE(done.err);
      CHECK(done.exit_code == 71);
      CHECK(done.err.find(told) != std::string::npos);
    }
    const Finished verified = run_in_time(home, {"verify"});
    CAPTURE(verified.out);
    CHECK(verified.out.find(told) != std::string::npos);
  }
}

TEST_CASE("JSON that is nested without an end ends no command", "[not_a_file]") {
  const std::string deep(80'000, '[');
  for (const char* name : {"config.json", "installed.json", "cache/record.json",
                           "cache/daemon.json", "models/m.gguf.partial.json"}) {
    for (const std::string& text :
         {deep, "{\"version\":" + deep, "{\"files\":" + deep, "{\"pid\":1,\"settings\":" + deep}) {
      CAPTURE(name);
      Home home;
      make_home(home);
      write_text(home / name, text);
      for (const std::vector<std::string>& command : {std::vector<std::string>{"embed", "hello"},
                                                      {"status"},
                                                      {"doctor"},
                                                      {"verify"},
                                                      {"gc", "--dry-run"},
                                                      {"shutdown", "--wait", "10"}}) {
        CAPTURE(command.front());
        const Finished done = run_in_time(home, command);
        if (command.front() != "embed" || done.exit_code == 0) continue;
        CHECK(done.exit_code == 78);
        CHECK(done.err.find(": nested deeper than 64 levels") != std::string::npos);
      }
    }
  }
  Home home;
  make_home(home);
  write_text(home.file("manifest.json"), "{\"version\":1,\"models\":" + deep);
  home.set("RUNED_MANIFEST", home.file("manifest.json"));
  const Finished manifest = run_in_time(home, {"install", "--list"});
  CHECK(manifest.exit_code == 78);
  CHECK(manifest.err.find(": nested deeper than 64 levels") != std::string::npos);
  fs::create_directory(home.file("bundle"));
  write_text(home.file("bundle") + "/manifest.json", deep);
  const Finished bundle = run_in_time(home, {"install", "--from", home.file("bundle")});
  CHECK(bundle.exit_code == 78);
  CHECK(bundle.err.find(": nested deeper than 64 levels") != std::string::npos);
}
