// Several models of one daemon: what is asked for by name or file answers, or an error, and never another.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "os/process/process.hpp"
#include "os/process/signals.hpp"
#include "several_models.hpp"
#include "support/change_file.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::check_is_of;
using runed::test::configure;
using runed::test::cosine;
using runed::test::embed_directly;
using runed::test::eventually;
using runed::test::find_model;
using runed::test::Finished;
using runed::test::Home;
using runed::test::kBuiltin;
using runed::test::kModelError;
using runed::test::kOther;
using runed::test::kTiny;
using runed::test::models_of;
using runed::test::path_entry;
using runed::test::read_text;
using runed::test::Running;
using runed::test::unwrap;
using runed::test::with_model;

namespace fs = std::filesystem;

namespace {

using Vector = std::vector<float>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A command that reads its texts from a pipe, and what it must say of them.
class Piped {
 public:
  Piped(Home& home, const std::string& model) {
    runed::os::ignore_sigpipe();  // The command may have ended before it is given the last text.
    REQUIRE(home.run_shell("mkfifo " + home.file("texts")).exit_code == 0);
    command_.emplace(home.start({"embed", "--model", model, "-f", home.file("texts")}));
    pipe_.open(home.file("texts"));
  }

  void write(const std::string& lines) {
    texts_ += lines;
    pipe_ << lines << std::flush;
  }

  /// Writes so many texts that something of them is printed before there are more.
  void write_many() {
    for (int i = 0; i < 1000; ++i) write(fmt::format("text number {}\n", i));
    REQUIRE(eventually([&] { return command_->out_size() > 0 || command_->has_ended(); }));
    REQUIRE_FALSE(command_->has_ended());
  }

  Finished finish() {
    pipe_.close();
    return command_->finish();
  }

  const std::string& texts() const { return texts_; }

 private:
  std::optional<Running> command_;
  std::ofstream pipe_;
  std::string texts_;
};

std::vector<Vector> vectors_of(const std::string& lines) {
  std::vector<Vector> vectors;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    vectors.push_back(unwrap(runed::parse_json(line)).get<Vector>());
  }
  return vectors;
}

size_t count_wrong(const std::vector<Vector>& vectors, const std::vector<Vector>& expected) {
  size_t wrong = 0;
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (cosine(vectors[i], expected.at(i)) < 0.9999) ++wrong;
  }
  return wrong;
}

/// A home with a daemon, and a model file beside it that was loaded by its path.
struct LoadedFile {
  LoadedFile() {
    fs::copy_file(kTiny, path);
    daemon.emplace(home.serve());
    check_is_of(home.run(with_model(path, "hello")), embed_directly(kTiny, "hello"));
    identity = embed_directly(kTiny, "hello")["model_identity"];
    REQUIRE(find_model(home, identity)["path"] == path);
  }

  // By what it was, the file is not served any more; by its path, what it is now.
  void check_is_never_another(const std::string& now) {
    const Finished by_identity = home.run(with_model(identity, "a text that is new"));
    CAPTURE(by_identity.out, by_identity.err);
    CHECK(by_identity.exit_code == kModelError);
    CHECK(by_identity.out.empty());
    CHECK(contains(by_identity.err, path));
    check_is_of(home.run(with_model(path, "another one")), embed_directly(now, "another one"));
    CHECK(home.run(with_model(identity, "a third one")).exit_code == kModelError);
  }

  Home home;
  std::string path = home.file("notes.gguf");
  std::optional<Running> daemon;
  std::string identity;
};

}  // namespace

TEST_CASE("a file is asked for beside the model that the daemon serves", "[models]") {
  Home home;
  const Running daemon = home.serve();
  const Json own = embed_directly(kBuiltin, "hello");
  check_is_of(home.run({"embed", "--json", "hello"}), own);
  for (const std::string& file : {kTiny, kOther}) {
    const Json expected = embed_directly(file, "hello");
    CHECK(expected["model_identity"] != own["model_identity"]);
    check_is_of(home.run(with_model(file, "hello")), expected);
    home.set("RUNED_MODEL", file);
    check_is_of(home.run({"embed", "--json", "hello"}), expected);
    home.set("RUNED_MODEL", "");
  }
  check_is_of(home.run({"embed", "--json", "hello"}), own);
  const Finished expected_other =
      home.run({"embed", "--json", "--model", kTiny, "--expect-model", own["model_identity"], "x"});
  CHECK(expected_other.exit_code == 72);
  CHECK(expected_other.out.empty());
  CHECK(home.status()["pid"] == daemon.pid());
}

TEST_CASE("a model that is asked for where no daemon runs is had from the one that is started",
          "[models]") {
  Home home;
  check_is_of(home.run(with_model(kTiny, "hello")), embed_directly(kTiny, "hello"));
  CHECK(home.status()["variant"] == kBuiltin);
  REQUIRE(home.run({"shutdown", "--wait", "20"}).exit_code == 0);
  check_is_of(home.run(with_model(kBuiltin, "hello")), embed_directly(kBuiltin, "hello"));
}

TEST_CASE("a model is asked for by its name in config.json", "[models]") {
  Home home;
  configure(home, {{"models", {{"notes", path_entry(kTiny)}, {"f16", path_entry(kOther)}}}});
  const Running daemon = home.serve();
  check_is_of(home.run(with_model("notes", "hello")), embed_directly(kTiny, "hello"));
  check_is_of(home.run({"embed", "--json", "--variant", "f16", "hello"}),
              embed_directly(kOther, "hello"));
  check_is_of(home.run({"embed", "--json", "--direct", "--model", "notes", "hello"}),
              embed_directly(kTiny, "hello"));
  home.set("RUNED_MODEL", "notes");
  check_is_of(home.run({"embed", "--json", "hello"}), embed_directly(kTiny, "hello"));
}

TEST_CASE("a name leads to one model, whatever else is called like it", "[models]") {
  Home home;
  configure(home, {{"model", kBuiltin}, {"models", {{"tiny", path_entry(kOther)}}}});
  fs::create_directory(home / "models");
  fs::permissions(home / "models", fs::perms::owner_all);
  fs::copy_file(kTiny, home / "models/tiny.gguf");
  fs::copy_file(kTiny, home.file("tiny.gguf"));
  const Json other = embed_directly(kOther, "hello");
  SECTION("a variant is") {
    const Running daemon = home.serve();
    check_is_of(home.run(with_model("tiny", "hello")), other);
    check_is_of(home.run(with_model(home / "models/tiny.gguf", "hello")),
                embed_directly(kTiny, "hello"));
    check_is_of(home.run(with_model("tiny", "hello")), other);
    CHECK(models_of(home)["models"].size() == 3);  // The variant only by its path, now.
  }
  SECTION("the file of the default model is") {
    const Running daemon = home.serve({"--model", home.file("tiny.gguf")});
    check_is_of(home.run(with_model("tiny", "hello")), other);
    check_is_of(home.run({"embed", "--json", "hello"}), embed_directly(kTiny, "hello"));
    check_is_of(home.run(with_model("tiny", "hello")), other);
    CHECK(find_model(home, home.file("tiny.gguf"))["default"] == true);
  }
}

TEST_CASE("a name that no model has is told with those that there are", "[models]") {
  Home home;
  configure(home, {{"models", {{"notes", path_entry(kTiny)}}}});
  const Running daemon = home.serve();
  const Finished done = home.run({"embed", "--model", "nodes", "hello"});
  CHECK(done.exit_code == kModelError);
  CHECK(done.out.empty());
  CHECK(done.err ==
        "runed: error: there is no model 'nodes'\n"
        "hint: did you mean 'notes'? there are: builtin:runed-mini, notes\n");
  const Finished absent = home.run({"embed", "--model", "/nope.gguf", "hello"});
  CHECK(absent.exit_code == kModelError);
  CHECK(contains(absent.err, "there is no model file '/nope.gguf'"));
}

TEST_CASE("models are listed, loaded or not", "[models]") {
  Home home;
  configure(home, {{"models", {{"notes", path_entry(kTiny)}, {"f16", path_entry(kOther)}}}});
  const Json before = models_of(home);
  CHECK(before["running"] == false);
  CHECK(before["models"].size() == 3);
  const Running daemon = home.serve();
  const Json expected = embed_directly(kTiny, "hello");
  check_is_of(home.run(with_model("notes", "hello")), expected);
  const Json list = models_of(home);
  CHECK(list["running"] == true);
  REQUIRE(list["models"].size() == 3);
  const Json& own = list["models"][0];
  CHECK(own["name"] == kBuiltin);
  CHECK(own["default"] == true);
  CHECK(own["state"] == "ok");
  const Json notes = find_model(list, "notes");
  CHECK(notes["state"] == "ok");
  CHECK(notes["default"] == false);
  CHECK(notes["model_identity"] == expected["model_identity"]);
  CHECK(notes["path"] == kTiny);
  CHECK(notes["file_bytes"] == fs::file_size(kTiny));
  CHECK(notes["memory_bytes"] > 0);
  CHECK(notes["requests"] == 1);
  CHECK(notes["used_at"].is_string());
  const Json other = find_model(list, "f16");
  CHECK(other["state"] == "idle");
  CHECK(other["memory_bytes"] == 0);
  CHECK(other["model_identity"].is_null());
  CHECK(other["used_at"].is_null());
  CHECK(home.status()["models"].size() == 3);
  REQUIRE(home.run({"shutdown", "--wait", "20"}).exit_code == 0);
  // That it answers for want of another is said of the default model only.
  const Running next = home.serve({"--model", "notes"});
  check_is_of(home.run(with_model(kBuiltin, "hello")), embed_directly(kBuiltin, "hello"));
  CHECK(find_model(home, kBuiltin)["message"].is_null());
}

TEST_CASE("a file that was loaded and is overwritten is an error by what it was", "[models]") {
  LoadedFile loaded;
  SECTION("overwritten") {
    runed::test::overwrite(loaded.path, read_text(kOther));
  }
  SECTION("overwritten, and its time set back") {
    runed::test::overwrite_in_secret(loaded.path, read_text(kOther));
  }
  fs::copy_file(loaded.path, loaded.home.file("now.gguf"));
  loaded.check_is_never_another(loaded.home.file("now.gguf"));
}

TEST_CASE("a file that was loaded is another one by what it is once it was renamed over",
          "[models]") {
  LoadedFile loaded;
  runed::test::rename_over(loaded.path, read_text(kOther));
  check_is_of(loaded.home.run(with_model(loaded.path, "hello")), embed_directly(kOther, "hello"));
  // By its identity it is what it was, or an error.
  const Finished before = loaded.home.run(with_model(loaded.identity, "another text"));
  CAPTURE(before.err);
  if (before.exit_code == 0) {
    check_is_of(before, embed_directly(kTiny, "another text"));
  } else {
    CHECK(before.exit_code == kModelError);
  }
}

TEST_CASE("a file that is overwritten while it is asked for ends the command", "[models]") {
  Home home;
  const Running daemon = home.serve();
  const std::string path = home.file("notes.gguf");
  fs::copy_file(kTiny, path);
  Piped piped(home, path);
  piped.write_many();
  runed::test::overwrite(path, read_text(kOther));
  piped.write("one more text\n");
  const Finished done = piped.finish();
  CAPTURE(done.err);
  CHECK(done.exit_code == kModelError);
  const auto expected =
      vectors_of(Home().run({"embed", "--direct", "--model", kTiny}, piped.texts()).out);
  const auto vectors = vectors_of(done.out);
  REQUIRE(vectors.size() < expected.size());
  CHECK(count_wrong(vectors, expected) == 0);
}

TEST_CASE("the daemon after one that died is asked for the same file", "[models]") {
  Home home;
  Running daemon = home.serve();
  Piped piped(home, kTiny);
  piped.write_many();
  daemon.signal(SIGKILL);
  REQUIRE(daemon.wait_for(std::chrono::seconds(5)));
  piped.write("one more text\n");
  const Finished done = piped.finish();
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  const auto expected =
      vectors_of(Home().run({"embed", "--direct", "--model", kTiny}, piped.texts()).out);
  const auto vectors = vectors_of(done.out);
  REQUIRE(vectors.size() == expected.size());
  CHECK(count_wrong(vectors, expected) == 0);
  CHECK(home.status()["pid"] != daemon.pid());
  CHECK(find_model(home, embed_directly(kTiny, "x")["model_identity"])["requests"] > 0);
}

TEST_CASE("a budget for one of two models has them take turns", "[models]") {
  Home home;
  configure(home, {{"models", {{"notes", path_entry(kTiny)}, {"f16", path_entry(kOther)}}}});
  int64_t budget = 0;
  {
    const Running daemon = home.serve({"--model", "notes"});
    REQUIRE(home.run(with_model("f16", "hello")).exit_code == 0);
    for (const char* name : {"notes", "f16"}) {
      const int64_t bytes = find_model(home, name)["memory_bytes"];
      CHECK(bytes > 0);
      budget = std::max(budget, bytes);
    }
    REQUIRE(home.run({"shutdown", "--wait", "20"}).exit_code == 0);
  }
  const Running daemon =
      home.serve({"--model", "notes", "--memory-budget", std::to_string(budget)});
  for (int round = 0; round < 3; ++round) {
    const std::string text = fmt::format("text of round {}", round);
    check_is_of(home.run(with_model("f16", text)), embed_directly(kOther, text));
    check_is_of(home.run(with_model("notes", text)), embed_directly(kTiny, text));
    const Json list = models_of(home);
    int64_t held = 0;
    for (const Json& model : list["models"]) held += model["memory_bytes"].get<int64_t>();
    CHECK(held <= budget);
  }
  CHECK(find_model(home, "notes")["evictions"] >= 2);
  CHECK(find_model(home, "f16")["evictions"] >= 2);
}

TEST_CASE("a model that is to be kept is loaded at the start", "[models]") {
  Home home;
  Json kept = path_entry(kTiny);
  kept["keep_alive"] = "always";
  configure(home, {{"models", {{"notes", kept}, {"f16", path_entry(kOther)}}}});
  const Running daemon = home.serve();
  CHECK(eventually([&] { return find_model(home, "notes")["state"] == "ok"; }));
  const Json notes = find_model(home, "notes");
  CHECK(notes["keep_alive"] == "always");
  CHECK(notes["requests"] == 0);
  CHECK(find_model(home, "f16")["state"] == "idle");
}
