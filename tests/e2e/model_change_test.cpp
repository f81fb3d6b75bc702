// What comes of a daemon, and of a command without one, when somebody changes the file of the model
// that it uses: right vectors of that model, or an error.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "os/file/files.hpp"
#include "os/process/process.hpp"
#include "os/process/signals.hpp"
#include "runed_process.hpp"
#include "support/change_file.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::cosine;
using runed::test::engine_under_test;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::read_text;
using runed::test::Running;
using runed::test::unwrap;
using runed::test::vector_of;
using runed::test::write_text;

namespace fs = std::filesystem;

namespace {

using Change = std::function<void(const std::string& path)>;
using Vector = std::vector<float>;

const std::string& model() {
  static const std::string bytes = read_text(RUNED_BUILTIN_MODEL);
  return bytes;
}

// A model of the same shape, with other weights at its end.
const std::string& other_model() {
  static const std::string bytes = [] {
    std::string changed = model();
    for (size_t i = changed.size() - 3'000'000; i < changed.size(); ++i) {
      changed[i] = static_cast<char>(changed[i] ^ 0x15);
    }
    return changed;
  }();
  return bytes;
}

void cut_in_half(const std::string& path) {
  fs::resize_file(path, fs::file_size(path) / 2);
}

void overwrite(const std::string& path) {
  runed::test::overwrite(path, other_model());
}

const std::vector<std::pair<std::string, Change>> kBadChanges{
    {"cut in half", cut_in_half},
    {"emptied", [](const auto& path) { fs::resize_file(path, 0); }},
    {"overwritten", overwrite},
    {"overwritten, and its time set back",
     [](const auto& path) { runed::test::overwrite_in_secret(path, other_model()); }},
};

const std::vector<std::pair<std::string, Change>> kGoodChanges{
    {"another mode", runed::test::change_mode},
    {"another link", [](const auto& path) { fs::create_hard_link(path, path + ".link"); }},
    {"renamed over", [](const auto& path) { runed::test::rename_over(path, other_model()); }},
    {"removed", [](const auto& path) { fs::remove(path); }},
};

// A home with a model of its own. Every text is a new one, so that no vector is known already.
struct OwnModel {
  explicit OwnModel(const std::string& idle_timeout = "0") {
    write_text(path, model());
    home.set("RUNED_MODEL", path);
    home.set("RUNED_IDLE_TIMEOUT", idle_timeout);
    expect_right();
    pid = home.status()["pid"];
  }

  std::string next_text() { return fmt::format("text number {} of this test", ++texts); }

  void expect_right() {
    const std::string text = next_text();
    const Finished done = home.run({"embed", "--json", text});
    CAPTURE(done.err);
    REQUIRE(done.exit_code == 0);
    if (identity.empty()) identity = done.json()["model_identity"];
    CHECK(done.json()["model_identity"] == identity);
    const Finished right = reference.run({"embed", "--json", text});
    REQUIRE(right.exit_code == 0);
    CHECK(cosine(vector_of(done.json(), 0), vector_of(right.json(), 0)) >= 0.9999);
  }

  void expect_refused() {
    const Finished done = home.run({"embed", "--json", next_text()});
    CAPTURE(done.err);
    CHECK(done.exit_code == 71);
    CHECK(done.out.empty());
    const size_t last_line = done.err.find("{\"error\"");  // Before it may come a note.
    REQUIRE(last_line != std::string::npos);
    const Json error = unwrap(runed::parse_json(done.err.substr(last_line)))["error"];
    CHECK(error["code"] == "MODEL_CORRUPT");
    CHECK(error["message"].get<std::string>().find("'" + path + "'") != std::string::npos);
    CHECK(error["hint"] ==
          "put the file back, or end the daemon with 'runed shutdown --wait 10': the next one serves "
          "what is there");
    const Json status = home.status();
    CHECK(status["state"] == "degraded");
    CHECK(status["reason"] == "MODEL_CORRUPT");
    CHECK(status["model_identity"] == identity);
    CHECK(status["pid"] == pid);
    CHECK(status["restarts"] == 0);
  }

  Home home;
  Home reference;  // Serves the same model, and nobody touches that.
  std::string path = home.file("own.gguf");
  std::string identity;
  int pid = 0;
  int texts = 0;
};

bool maps(int pid, const std::string& path) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/maps");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.find(path) != std::string::npos;
}

std::vector<Vector> vectors_of(const std::string& lines) {
  std::vector<Vector> vectors;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    vectors.push_back(unwrap(runed::parse_json(line)).get<Vector>());
  }
  return vectors;
}

}  // namespace

TEST_CASE("a model that is written to between two calls is not served until it is back",
          "[model_change]") {
  for (const auto& [name, change] : kBadChanges) {
    INFO(name);
    OwnModel own;
    change(own.path);
    own.expect_refused();
    own.expect_refused();
    write_text(own.path, model());
    own.expect_right();
    CHECK(own.home.status()["state"] == "ok");
    CHECK(own.home.status()["pid"] == own.pid);
  }
}

TEST_CASE("a model that is written to while it sleeps is not served until it is back",
          "[model_change]") {
  for (const auto& [name, change] : kBadChanges) {
    INFO(name);
    OwnModel own("300ms");
    own.home.wait_for_state("idle");
    change(own.path);
    own.expect_refused();
    own.expect_refused();
    runed::test::rename_over(own.path, model());
    own.expect_right();
    CHECK(own.home.status()["pid"] == own.pid);
  }
}

TEST_CASE("a model whose name, links or mode change is served as before", "[model_change]") {
  for (const auto& [name, change] : kGoodChanges) {
    INFO(name);
    OwnModel own;
    change(own.path);
    own.expect_right();
    own.expect_right();
    CHECK(own.home.status()["pid"] == own.pid);
  }
  for (const auto& [name, change] : kGoodChanges) {
    INFO(name << ", while it sleeps");
    OwnModel own("300ms");
    own.home.wait_for_state("idle");
    change(own.path);
    own.expect_right();
    CHECK(own.home.status()["pid"] == own.pid);
  }
}

TEST_CASE("the next daemon serves the model that is there", "[model_change]") {
  for (const Change& change :
       {Change(overwrite),
        Change([](const auto& path) { runed::test::rename_over(path, other_model()); })}) {
    OwnModel own;
    change(own.path);
    REQUIRE(own.home.run({"shutdown", "--wait", "10"}).exit_code == 0);
    const Finished done = own.home.run({"embed", "--json", "hello"});
    CAPTURE(done.err);
    REQUIRE(done.exit_code == 0);
    CHECK(done.json()["model_identity"] != own.identity);
  }
}

TEST_CASE("a vector that is known already is right whatever becomes of the model",
          "[model_change]") {
  OwnModel own;
  const Finished before = own.home.run({"embed", "--json", "hello"});
  overwrite(own.path);
  const Finished after = own.home.run({"embed", "--json", "hello"});
  CHECK(after.exit_code == 0);
  CHECK(after.out == before.out);
}

TEST_CASE("what is printed of many texts before the model changes is right", "[model_change]") {
  const int many = engine_under_test() == "native" ? 20'000 : 3000;
  std::string lines;
  for (int i = 0; i < many; ++i) lines += fmt::format("line number {} of many\n", i);
  for (const Change& change : {Change(cut_in_half), Change(overwrite)}) {
    OwnModel own;
    write_text(own.home.file("lines.txt"), lines);
    Running running = own.home.start({"embed", "-f", own.home.file("lines.txt")});
    REQUIRE(eventually([&] { return running.out_size() > 0 || running.has_ended(); }));
    change(own.path);
    const Finished done = running.finish();
    CAPTURE(done.err);
    CHECK(done.exit_code == 71);
    const std::vector<Vector> vectors = vectors_of(done.out);
    REQUIRE(!vectors.empty());
    REQUIRE(vectors.size() < static_cast<size_t>(many));
    const Finished right = own.reference.run({"embed", "-f", own.home.file("lines.txt")});
    const std::vector<Vector> expected = vectors_of(right.out);
    size_t wrong = 0;
    for (size_t i = 0; i < vectors.size(); ++i) {
      if (cosine(vectors[i], expected.at(i)) < 0.9999) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a command without a daemon that loses its model says so", "[model_change]") {
  runed::os::ignore_sigpipe();  // The command may have ended before it is given the second text.
  for (const Change& change : {Change(cut_in_half), Change(overwrite)}) {
    Home home;
    const std::string path = home.file("own.gguf");
    write_text(path, model());
    home.set("RUNED_MODEL", path);
    REQUIRE(home.run_shell("mkfifo " + home.file("texts")).exit_code == 0);
    Running running = home.start({"embed", "--direct", "-f", home.file("texts")});
    std::ofstream texts(home.file("texts"));
    texts << "the first text\n" << std::flush;
    // It has opened the model by then, whatever it is about to do with it.
    REQUIRE(eventually([&] { return maps(running.pid(), path) || running.has_ended(); }));
    change(path);
    texts << "the second text\n" << std::flush;
    texts.close();
    const Finished done = running.finish();
    CAPTURE(done.err);
    CHECK(done.exit_code == 71);
    CHECK(done.out.empty());
    CHECK(done.err.find(path) != std::string::npos);
  }
}

TEST_CASE("a model that was cut short before is refused by every command", "[model_change]") {
  for (const size_t size : {size_t{0}, size_t{100}, model().size() / 2, model().size() - 1}) {
    CAPTURE(size);
    Home home;
    const std::string path = home.file("own.gguf");
    write_text(path, model().substr(0, size));
    home.set("RUNED_MODEL", path);
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"serve"}, {"embed", "--direct", "x"}, {"embed", "--ids", "x"}, {"embed", "x"}}) {
      const Finished done = home.run(command);
      CAPTURE(command, done.err);
      CHECK(done.exit_code == 71);
      CHECK(done.err.find(path) != std::string::npos);
    }
    const Finished verified = home.run({"verify", "--deep"});
    CHECK(verified.exit_code == 76);
    CHECK(verified.out.find(path) != std::string::npos);
    const Finished examined = home.run({"doctor"});
    CHECK(examined.exit_code == 5);
    CHECK(examined.out.find(path) != std::string::npos);
  }
}

TEST_CASE("no command is ended by a model that changes while it looks at it", "[model_change]") {
  Home home;
  const std::string path = home.file("own.gguf");
  home.set("RUNED_MODEL", path);
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"verify", "--deep"}, {"doctor"}, {"embed", "--ids", "x"}, {"embed", "--direct", "x"}}) {
    for (const Change& change : {Change(cut_in_half), Change(overwrite)}) {
      write_text(path, model());
      Running running = home.start(command);
      REQUIRE(eventually([&] { return maps(running.pid(), path) || running.has_ended(); }));
      change(path);
      const Finished done = running.finish();
      CAPTURE(command, done.exit_code, done.out, done.err);
      CHECK(done.exit_code < 128);
    }
  }
}
