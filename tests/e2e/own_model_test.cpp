// Models of one's own: from a file, a directory or a URL into the home, and out of it again.

#include <csignal>
#include <filesystem>

#include "base/sha256.hpp"
#include "base/text.hpp"
#include "install_support.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::sha256_hex;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::HttpReply;
using runed::test::HttpServer;
using runed::test::read_text;
using runed::test::Running;
using runed::test::text_body;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

constexpr int kUsage = 2;
constexpr int kModel = 71;
constexpr int kIntegrity = 76;
constexpr int kNetwork = 79;

const std::string kTinyFile = RUNED_TEST_DATA "/tiny_gguf/bert-cls.f16.gguf";
const std::string kTinyDirectory = RUNED_TEST_DATA "/tiny/bert-mean";
const std::string kOtherFile = RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.q8_0.gguf";

bool is_empty(const std::string& directory) {
  return !fs::exists(directory) || fs::is_empty(directory);
}

}  // namespace

TEST_CASE("a file of one's own is served by its name, listed, verified, kept and removed",
          "[own_model]") {
  Home home;
  const std::string source = home.file("mine.gguf");
  fs::copy_file(kOtherFile, source);
  const std::string digest = sha256_hex(read_text(source));
  const Finished taken = home.run({"install", source});
  CAPTURE(taken.err);
  REQUIRE(taken.exit_code == 0);
  CHECK(taken.out == fmt::format("model mine was missing: installed, {} copied\n"
                                 "SHA-256 {}, which is recorded: none was given\n"
                                 "next: the next 'runed embed' is answered by mine\n",
                                 runed::format_bytes(fs::file_size(source)), digest));
  fs::remove(source);

  const Finished embedded = home.run({"embed", "--model", "mine", "--json", "text"});
  CAPTURE(embedded.err);
  CHECK(embedded.exit_code == 0);
  CHECK(home.run({"models", "--json"}).json()["models"][0]["name"] == "mine");
  const Json listed = home.run({"install", "--search", "mine", "--json"}).json()["variants"];
  REQUIRE(listed.size() == 1);
  CHECK(listed[0]["own"] == true);
  CHECK(listed[0]["architecture"] == "qwen3");
  CHECK(home.run({"verify"}).exit_code == 0);
  CHECK(home.run({"uninstall", "mine"}).exit_code != 0);  // It is being served.
  CHECK(home.run({"shutdown", "--wait", "10"}).exit_code == 0);
  CHECK(home.run({"gc"}).exit_code == 0);
  CHECK(fs::exists(home / "models/mine.gguf"));
  CHECK(home.run({"uninstall", "mine"}).exit_code == 0);
  CHECK(is_empty(home / "models"));
}

TEST_CASE("a directory of one's own gives the vectors that it gives at its source", "[own_model]") {
  Home home;
  home.set("RUNED_ENGINE", "native");
  const Finished there =
      home.run({"embed", "--direct", "--json", "--model", kTinyDirectory, "text"});
  CAPTURE(there.err);
  REQUIRE(there.exit_code == 0);
  const Finished taken = home.run({"install", kTinyDirectory, "--name", "mine", "--json"});
  CAPTURE(taken.err);
  REQUIRE(taken.exit_code == 0);
  const Json step = taken.json()["steps"][0];
  CHECK(step["variant"] == "mine");
  CHECK(step["source"] == kTinyDirectory);
  CHECK(step["path"] == home / "models/mine.hf/bert-mean");
  const Finished here = home.run({"embed", "--direct", "--json", "--model", "mine", "text"});
  CAPTURE(here.err);
  REQUIRE(here.exit_code == 0);
  CHECK(here.json()["embeddings"] == there.json()["embeddings"]);
  CHECK(here.json()["model_identity"] == there.json()["model_identity"]);
  const Finished again = home.run({"install", kTinyDirectory, "--name", "mine"});
  CHECK(again.out.starts_with("model mine is installed\n"));
  CHECK(home.run({"uninstall", "mine"}).exit_code == 0);
  CHECK(is_empty(home / "models"));
}

TEST_CASE("a model is fetched from a URL, and goes on from where it was cut", "[own_model]") {
  Home home;
  HttpServer server;
  const std::string bytes = read_text(kOtherFile);
  HttpReply slow{.body = text_body(bytes), .etag = "\"1\""};
  slow.piece_bytes = 1 << 14;
  slow.pause = 20ms;
  server.reply("/m/far.gguf", slow);
  const std::string url = server.url("/m/far.gguf");
  Running first = home.start({"install", url});
  const std::string partial = home / "models/far.gguf.partial";
  REQUIRE(eventually([&] { return fs::exists(partial) && fs::file_size(partial) > 50'000; }));
  first.signal(SIGINT);
  CHECK(first.finish().exit_code == 130);
  CHECK_FALSE(fs::exists(home / "models/far.gguf"));
  slow.pause = 0ms;
  server.reply("/m/far.gguf", slow);
  const Finished second = home.run({"install", url, "--json"});
  CAPTURE(second.err);
  REQUIRE(second.exit_code == 0);
  const Json step = second.json()["steps"][0];
  CHECK(step["sha256"] == sha256_hex(bytes));
  CHECK(step["bytes_received"] < bytes.size());
  CHECK(server.seen("/m/far.gguf").at(1).header("if-range") == "\"1\"");
  CHECK(read_text(home / "models/far.gguf") == bytes);
  CHECK(home.run({"install", url, "--sha256", sha256_hex(bytes)})
            .out.starts_with("model far is installed\n"));
}

TEST_CASE("what cannot be taken is refused with its reason, and nothing is left", "[own_model]") {
  Home home;
  HttpServer server;
  server.reply("/page", {.body = text_body("<!DOCTYPE html>\n<html>")});
  const auto refusal = [&](std::vector<std::string> arguments, int exit_code) {
    arguments.insert(arguments.begin(), "install");
    const Finished done = home.run(std::move(arguments));
    CHECK(done.exit_code == exit_code);
    CHECK(done.out.empty());
    return done.err;
  };
  const auto has = [](const std::string& text, const std::string& part) {
    CAPTURE(text, part);
    CHECK(text.find(part) != std::string::npos);
  };
  has(refusal({RUNED_TEST_DATA "/tiny_gguf/broken-bert-unigram.f16.gguf"}, kModel),
      "tokenizer.ggml.");
  has(refusal({"/nowhere/x.gguf"}, kModel), "there is no model '/nowhere/x.gguf'");
  has(refusal({RUNED_TEST_DATA "/tiny/bert-pickle-only"}, kModel), "a Python pickle");
  has(refusal({server.url("/page"), "--name", "page"}, kIntegrity),
      "name the file itself, and not a page about it");
  has(refusal({server.url("/gone.gguf")}, kNetwork), "HTTP 404");
  has(refusal({server.url("/page"), "--name", "page", "--offline"}, kNetwork), "--offline");
  has(refusal({kTinyFile, "--sha256", std::string(64, '0')}, kIntegrity), "and not 0000");
  has(refusal({"file://" + kTinyFile}, kUsage), "not a URL of a known kind");
  has(refusal({"bge-m3-q8_0"}, kUsage), "runed install --variant bge-m3-q8_0");
  has(refusal({kTinyFile, "--name", "bge-m3-q8_0"}, kUsage),
      "the manifest has a model of that name");
  has(refusal({kTinyFile, "--variant", "f16"}, kUsage), "leave one of them out");
  has(refusal({"--name", "x"}, kUsage), "--name");
  has(refusal({kTinyDirectory, "--export", home.file("b.tar")}, kUsage), "'runed convert'");
  write_text(home / "config.json", R"({"models": {"taken": {"path": "/m/x.gguf"}}})");
  has(refusal({kTinyFile, "--name", "taken"}, kUsage), "config.json gives that name");
  CHECK(is_empty(home / "models"));
  CHECK_FALSE(fs::exists(home.file("b.tar")));
}

TEST_CASE("a dry run says what would be taken", "[own_model]") {
  Home home;
  const Finished done = home.run({"install", kTinyFile, "--dry-run"});
  CHECK(done.exit_code == 0);
  CHECK(done.out == fmt::format("model bert-cls.f16 is missing: would copy {} from '{}'\n"
                                "next: nothing was changed\n",
                                runed::format_bytes(fs::file_size(kTinyFile)), kTinyFile));
  CHECK(is_empty(home / "models"));
}

TEST_CASE("a damaged model of one's own is not served, and taken again from its source",
          "[own_model]") {
  Home home;
  REQUIRE(home.run({"install", kOtherFile, "--name", "mine"}).exit_code == 0);
  write_text(home / "models/mine.gguf", "GGUF and then nothing");
  const Finished refused = home.run({"embed", "--direct", "text"});
  CHECK(refused.exit_code == kIntegrity);
  CHECK(refused.err.find("--name mine' takes it again") != std::string::npos);
  CHECK(home.run({"verify"}).exit_code == kIntegrity);
  const Finished again = home.run({"install", kOtherFile, "--name", "mine"});
  CHECK(again.out.starts_with("model mine was damaged: installed, "));
  CHECK(home.run({"verify"}).exit_code == 0);
}

TEST_CASE("a file of one's own is carried to another machine", "[own_model]") {
  Home home;
  const std::string bundle = home.file("bundle.tar");
  REQUIRE(home.run({"install", kOtherFile, "--name", "mine"}).exit_code == 0);
  const Finished exported = home.run({"install", "--variant", "mine", "--export", bundle});
  CAPTURE(exported.err);
  REQUIRE(exported.exit_code == 0);
  Home other;
  const Finished done = other.run({"install", "--from", bundle, "--model-only"});
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  CHECK(read_text(other / "models/mine.gguf") == read_text(kOtherFile));
  CHECK(other.run({"install", "--search", "mine", "--json"}).json()["variants"][0]["own"] == true);
}

TEST_CASE("a narrow terminal gets the list in more lines", "[own_model]") {
  Home home;
  const Finished done = home.run_shell(
      fmt::format("script -qec \"stty cols 60; '{}' install --search gemma\" /dev/null </dev/null",
                  RUNED_EXECUTABLE));
  CAPTURE(done.out);
  CHECK(done.exit_code == 0);
  CHECK(done.out.find("embeddinggemma-300m-q8_0\r\n  architecture: gemma-embedding, ") !=
        std::string::npos);
}
