#include "cmd/line/progress.hpp"

#include <sstream>

#include "support/catch.hpp"

using runed::cmd::Display;
using runed::cmd::Progress;
using namespace std::chrono_literals;

namespace {

class ManualClock final : public runed::Clock {
 public:
  runed::SteadyTime steady_now() const override { return now; }
  runed::SystemTime system_now() const override { return {}; }

  runed::SteadyTime now;
};

constexpr uint64_t kMiB = 1 << 20;

}  // namespace

TEST_CASE("off a terminal there is a line every few seconds, with rate and time left") {
  std::ostringstream err;
  ManualClock clock;
  Progress progress(err, Display::lines, clock);
  progress.update("model", 0, 600 * kMiB);
  clock.now += 4s;
  progress.update("model", 40 * kMiB, 600 * kMiB);
  CHECK(err.str().empty());
  clock.now += 1s;
  progress.update("model", 50 * kMiB, 600 * kMiB);
  CHECK(err.str() == "runed: model: 50.0 MiB of 600.0 MiB (8 %), 10.0 MiB/s, 55 s left\n");
  clock.now += 1s;
  progress.update("model", 60 * kMiB, 600 * kMiB);
  CHECK(err.str().find("60.0") == std::string::npos);
}

TEST_CASE("what was there before counts for neither rate nor time left") {
  std::ostringstream err;
  ManualClock clock;
  Progress progress(err, Display::lines, clock);
  progress.update("model", 500 * kMiB, 600 * kMiB);
  clock.now += 10s;
  progress.update("model", 510 * kMiB, 600 * kMiB);
  CHECK(err.str() == "runed: model: 510.0 MiB of 600.0 MiB (85 %), 1.0 MiB/s, 1 m 30 s left\n");
}

TEST_CASE("on a terminal a bar is drawn over itself, and taken away before other lines") {
  std::ostringstream err;
  ManualClock clock;
  {
    Progress progress(err, Display::bar, clock);
    progress.update("model", 0, 100 * kMiB);
    clock.now += 2s;
    progress.update("model", 50 * kMiB, 100 * kMiB);
    CHECK(err.str() ==
          "\r\x1b[Kmodel [############            ] 50.0 MiB of 100.0 MiB (50 %), 25.0 MiB/s, 2 s "
          "left");
    err.str("");
    progress.note("retrying");
    CHECK(err.str() == "\r\x1b[Kruned: retrying\n");
    err.str("");
    clock.now += 2s;
    progress.update("model", 60 * kMiB, 100 * kMiB);
    err.str("");
  }
  CHECK(err.str() == "\r\x1b[K");
}

TEST_CASE("without a total there is no bar and no time left") {
  std::ostringstream err;
  ManualClock clock;
  Progress progress(err, Display::lines, clock);
  progress.update("manifest", 0, 0);
  clock.now += 5s;
  progress.update("manifest", 10 * kMiB, 0);
  CHECK(err.str() == "runed: manifest: 10.0 MiB, 2.0 MiB/s\n");
}

TEST_CASE("for a JSON document notes are collected and nothing is shown") {
  std::ostringstream err;
  ManualClock clock;
  Progress progress(err, Display::none, clock);
  progress.update("model", 0, 100);
  clock.now += 10s;
  progress.update("model", 50, 100);
  progress.note("retrying");
  CHECK(err.str().empty());
  CHECK(progress.notes() == std::vector<std::string>{"retrying"});
}

TEST_CASE("for a program that reads JSON a note is a line of it, and nothing else is shown") {
  std::ostringstream err;
  ManualClock clock;
  Progress progress(err, Display::json, clock);
  progress.update("model", 0, 100);
  clock.now += 10s;
  progress.update("model", 50, 100);
  progress.note("note: no model \"x\"");
  progress.note("retrying");
  CHECK(err.str() == "{\"note\":\"no model \\\"x\\\"\"}\n{\"note\":\"retrying\"}\n");
}

TEST_CASE("texts are counted, and what is left is told where the input's size is known") {
  std::ostringstream err;
  ManualClock clock;
  Progress progress(err, Display::lines, clock);
  progress.update_texts("embedding", 0, 0, 1000);
  clock.now += 10s;
  progress.update_texts("embedding", 5000, 250, 1000);
  CHECK(err.str() == "runed: embedding: 5000 texts (25 %), 500 texts/s, 30 s left\n");
  err.str("");
  clock.now += 10s;
  progress.update_texts("embedding", 8000, 300, 0);
  CHECK(err.str() == "runed: embedding: 8000 texts, 400 texts/s\n");
}
