// `embed` of more texts than fit into a message, a window or a pipe, and what can happen on the way.
#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "os/file/files.hpp"
#include "os/process/process.hpp"
#include "runed_process.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::cosine;
using runed::test::engine_under_test;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::peak_kib;
using runed::test::Running;
using runed::test::unwrap;
using runed::test::vector_of;
using runed::test::write_text;

namespace {

// Enough that printing begins long before the end.
int many() {
  return engine_under_test() == "native" ? 6000 : 1000;
}

std::string numbered_lines(int count, int period = 1 << 30) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += fmt::format("text number {}\n", i % period);
  return lines;
}

std::vector<std::vector<float>> vectors_of(const std::string& lines) {
  std::vector<std::vector<float>> vectors;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    vectors.push_back(unwrap(runed::parse_json(line)).get<std::vector<float>>());
  }
  return vectors;
}

void check_same(const std::vector<std::vector<float>>& vectors,
                const std::vector<std::vector<float>>& expected) {
  REQUIRE(vectors.size() <= expected.size());
  size_t wrong = 0;
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (cosine(vectors[i], expected[i]) < 0.9999) ++wrong;
  }
  CHECK(wrong == 0);
}

uint64_t peak_until_end(Running& command) {
  uint64_t peak = 0;
  while (!command.wait_for(std::chrono::milliseconds(5))) {
    peak = std::max(peak, peak_kib(command.pid()));
  }
  return peak;
}

// A command of which something is printed and more is to come.
struct Begun {
  Running command;
  std::vector<std::vector<float>> expected;
};

Begun begin_many(Home& home) {
  const std::string lines = numbered_lines(many());
  auto expected = vectors_of(home.run({"embed", "--direct"}, lines).out);
  REQUIRE(expected.size() == static_cast<size_t>(many()));
  Running command = home.start({"embed"}, lines);
  REQUIRE(eventually([&] { return command.out_size() > 0 || command.has_ended(); }));
  REQUIRE_FALSE(command.has_ended());
  return {std::move(command), std::move(expected)};
}

}  // namespace

TEST_CASE("twenty thousand lines keep their order, in memory that does not grow with them",
          "[embed_stream]") {
  constexpr int kPeriod = 1500;  // More than are under way, and remembered by the daemon.
  Home home;
  const Running daemon = home.serve();
  Running few = home.start({"embed", "-d", "64"}, numbered_lines(kPeriod));
  [[maybe_unused]] const uint64_t peak_of_few = peak_until_end(few);
  [[maybe_unused]] const uint64_t daemon_peak_of_few = peak_kib(daemon.pid());
  const auto expected = vectors_of(few.finish().out);
  REQUIRE(expected.size() == kPeriod);

  constexpr int kCount = 20'000;
  Running all = home.start({"embed", "-d", "64"}, numbered_lines(kCount, kPeriod));
  [[maybe_unused]] const uint64_t peak_of_all = peak_until_end(all);
  const Finished done = all.finish();
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  const auto vectors = vectors_of(done.out);
  REQUIRE(vectors.size() == kCount);
  size_t wrong = 0;
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (cosine(vectors[i], expected[i % kPeriod]) < 0.9999) ++wrong;
  }
  CHECK(wrong == 0);
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // They keep memory of their own.
  constexpr uint64_t kMoreKiB = 12 << 10;
  CHECK(peak_of_few > 0);
  CHECK(peak_of_all < peak_of_few + kMoreKiB);
  CHECK(peak_kib(daemon.pid()) < daemon_peak_of_few + kMoreKiB);
#endif
}

TEST_CASE("a daemon killed in the middle is replaced, and every vector is right and there once",
          "[embed_stream]") {
  Home home;
  const Running daemon = home.serve();
  Begun begun = begin_many(home);
  unwrap(runed::os::signal_process(daemon.pid(), SIGKILL));
  const Finished done = begun.command.finish();
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  const auto vectors = vectors_of(done.out);
  CHECK(vectors.size() == begun.expected.size());
  check_same(vectors, begun.expected);
  CHECK(home.status()["pid"] != daemon.pid());
}

TEST_CASE("a daemon shut down in the middle is replaced, and every vector is right and there once",
          "[embed_stream]") {
  Home home;
  Running daemon = home.serve();
  Begun begun = begin_many(home);
  CHECK(home.run({"shutdown"}).exit_code == 0);
  const Finished done = begun.command.finish();
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  const auto vectors = vectors_of(done.out);
  CHECK(vectors.size() == begun.expected.size());
  check_same(vectors, begun.expected);
  CHECK(daemon.finish().exit_code == 0);
}

TEST_CASE("a daemon that is replaced by one with other settings is told of", "[embed_stream]") {
  Home home;
  const Running daemon = home.serve({"--threads", "1", "--cache-mb", "8"});
  Begun begun = begin_many(home);
  unwrap(runed::os::signal_process(daemon.pid(), SIGKILL));
  const Finished done = begun.command.finish();
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  CHECK(done.err.find(fmt::format("note: the daemon (pid {}) has ended, and the one that goes on",
                                  daemon.pid())) != std::string::npos);
  CHECK(done.err.find("has other settings: threads is not set instead of '1', cache_mb is '32' "
                      "instead of '8'") != std::string::npos);
}

TEST_CASE("vectors of another daemon's model are not printed after those of the first",
          "[embed_stream]") {
  Home home;
  auto expected = vectors_of(home.run({"embed", "--direct"}, numbered_lines(many())).out);
  const Running daemon = home.serve({"--variant", "builtin:runed-mini"});
  // Of the next one, since nothing else is named.
  std::filesystem::copy(RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.q8_0.gguf",
                        home / "models/other.gguf");
  Running command = home.start({"embed"}, numbered_lines(many()));
  REQUIRE(eventually([&] { return command.out_size() > 0; }));
  unwrap(runed::os::signal_process(daemon.pid(), SIGKILL));
  const Finished done = command.finish();
  CAPTURE(done.err);
  CHECK(done.exit_code == 72);
  CHECK(done.err.find("the model changed from 'sha256:") != std::string::npos);
  CHECK(done.out.ends_with("]\n"));
  check_same(vectors_of(done.out), expected);
}

TEST_CASE("a text that is too long ends a long result after those before it, and closes a document",
          "[embed_stream]") {
  Home home;
  const size_t before = 1000;
  std::string lines = numbered_lines(before);
  for (int i = 0; i < 600; ++i) lines += "word ";
  lines += "\n" + numbered_lines(500);
  for (const char* mode : {"", "--direct"}) {
    CAPTURE(mode);
    std::vector<std::string> arguments{"embed"};
    if (*mode != '\0') arguments.emplace_back(mode);
    const Finished printed = home.run(arguments, lines);
    CHECK(printed.exit_code == 68);
    CHECK(printed.err.find("line 1001: the text has 60") != std::string::npos);
    CHECK(vectors_of(printed.out).size() == before);
    arguments.emplace_back("--json");
    const Finished document = home.run(arguments, lines);
    CHECK(document.exit_code == 68);
    CHECK(document.json()["embeddings"].size() == before);
    CHECK(document.json()["error"]["code"] == "TEXT_TOO_LONG");
    CHECK(document.json()["error"]["details"]["index"] == std::to_string(before));
    CHECK(document.err.find("line 1001: the text has 60") != std::string::npos);
  }
}

TEST_CASE("a blank line far into the input ends it there", "[embed_stream]") {
  Home home;
  const std::string lines = numbered_lines(2000) + "\n" + numbered_lines(10);
  for (const char* mode : {"--direct", "--ids", "--json"}) {
    CAPTURE(mode);
    const Finished done = home.run({"embed", mode}, lines);
    CHECK(done.exit_code == 67);
    CHECK(done.err.find("line 2001 of stdin is blank") != std::string::npos);
    if (*(mode + 2) == 'j') {
      CHECK(done.json()["embeddings"].size() == 2000);
      CHECK(done.json()["error"]["code"] == "BLANK_LINE");
    }
  }
}

TEST_CASE("a short input is all or nothing", "[embed_stream]") {
  Home home;
  std::string lines = numbered_lines(50);
  for (int i = 0; i < 600; ++i) lines += "word ";
  for (const char* mode : {"--json", "--direct"}) {
    const Finished done = home.run({"embed", mode}, lines);
    CHECK(done.exit_code == 68);
    CHECK(done.out.empty());
  }
}

TEST_CASE("an input that pauses keeps its stream, even past the idle time and the daemon's end",
          "[embed_stream]") {
  Home home;
  Running daemon = home.serve({"--idle-timeout", "200ms"});
  const std::string fifo = home.file("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  Running command = home.start({"embed", "-d", "64", "-f", fifo});
  runed::os::Fd writer = unwrap(runed::os::open_fd(fifo, O_WRONLY));
  unwrap(runed::os::write_all(writer.get(), numbered_lines(10)));
  home.wait_for_state("idle");
  unwrap(runed::os::write_all(writer.get(), numbered_lines(10)));
  home.wait_for_state("idle");
  CHECK_FALSE(command.has_ended());
  CHECK(home.run({"shutdown", "--wait", "10"}).exit_code ==
        0);  // A stream that waits holds nobody.
  CHECK(daemon.finish().exit_code == 0);
  CHECK_FALSE(command.has_ended());
  unwrap(runed::os::write_all(writer.get(), numbered_lines(10)));
  writer.close();
  const Finished done = command.finish();
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  const auto vectors = vectors_of(done.out);
  REQUIRE(vectors.size() == 30);
  for (size_t i = 0; i < 30; ++i) CHECK(cosine(vectors[i], vectors[i % 10]) >= 0.9999);
}

TEST_CASE("a reader that has enough ends it quietly, and a full disk is told", "[embed_stream]") {
  Home home;
  const Running daemon = home.serve();
  write_text(home.file("lines"), numbered_lines(2000));
  const std::string command =
      fmt::format("'{}' embed -f '{}'", RUNED_EXECUTABLE, home.file("lines"));
  const Finished piped = home.run_shell(command + " | head -n 1 | wc -l; echo ${PIPESTATUS[0]}");
  CHECK(piped.err.empty());
  CHECK(piped.out == "1\n141\n");
  const Finished full = home.run_shell(command + " > /dev/full");
  CHECK(full.exit_code == 74);
  CHECK(full.err == "runed: error: cannot write to stdout: no space left on device\n");
}
