#include "base/log.hpp"

#include "base/json.hpp"
#include "support/fake_clock.hpp"
#include "support/result_matchers.hpp"

using namespace std::chrono_literals;
using runed::Json;
using runed::Log;
using runed::test::FakeClock;
using runed::test::unwrap;

namespace {

// A log whose lines are kept.
struct Lines {
  FakeClock clock;
  std::vector<std::string> lines;
  bool is_full = false;  // The disk.

  Log::Sink sink() {
    return [this](std::string_view line) {
      if (is_full) return false;
      lines.emplace_back(line);
      return true;
    };
  }
  Json last() const { return unwrap(runed::parse_json(lines.back())); }
};

}  // namespace

TEST_CASE("log times are UTC with milliseconds") {
  CHECK(runed::format_time(runed::SystemTime{} + 86'400s + 7ms) == "1970-01-02T00:00:00.007Z");
}

TEST_CASE("a log line is JSON, or text for a terminal") {
  Lines kept;
  {
    Log log(Log::Format::json, kept.clock, kept.sink());
    log.warn("refused", {{"uid", 7}});
    Log text(Log::Format::text, kept.clock, kept.sink());
    text.info("listening", {{"socket", "/s"}});
  }
  CHECK(kept.lines ==
        std::vector<std::string>{
            R"({"time":"2026-01-02T03:04:05.000Z","level":"WARN","msg":"refused","uid":7})"
            "\n",
            "2026-01-02T03:04:05.000Z INFO  listening socket=\"/s\"\n"});
}

TEST_CASE("of one message there are so many lines a second, and the next tells of the rest") {
  Lines kept;
  Log log(Log::Format::json, kept.clock, kept.sink());
  for (int i = 0; i < 1000; ++i) log.warn("refused", {{"uid", i}});
  CHECK(kept.lines.size() == Log::kMostLinesASecond);
  log.info("another message");
  CHECK(kept.lines.size() == Log::kMostLinesASecond + 1);
  CHECK_FALSE(kept.last().contains("left_out"));
  kept.clock.advance(1s);
  log.warn("refused", {{"uid", 7}});
  CHECK(kept.last()["uid"] == 7);
  CHECK(kept.last()["left_out"] == 1000 - Log::kMostLinesASecond);
  log.warn("refused");
  CHECK_FALSE(kept.last().contains("left_out"));
}

TEST_CASE("what was left out is told when no other line comes, and at the end") {
  Lines kept;
  {
    Log log(Log::Format::json, kept.clock, kept.sink());
    for (int i = 0; i < Log::kMostLinesASecond + 3; ++i) log.warn("refused", {{"uid", i}});
    log.tell_left_out();  // Its second is not over.
    CHECK(kept.lines.size() == Log::kMostLinesASecond);
    kept.clock.advance(1s);
    log.tell_left_out();
    CHECK(kept.last()["msg"] == "refused");
    CHECK(kept.last()["level"] == "WARN");
    CHECK(kept.last()["left_out"] == 3);
    log.tell_left_out();
    CHECK(kept.lines.size() == Log::kMostLinesASecond + 1);
    for (int i = 0; i < Log::kMostLinesASecond + 5; ++i) log.warn("refused");
  }
  CHECK(kept.last()["left_out"] == 5);
}

TEST_CASE("a line that could not be written is one that was left out") {
  Lines kept;
  Log log(Log::Format::json, kept.clock, kept.sink());
  kept.is_full = true;
  log.warn("refused");
  log.warn("refused");
  kept.is_full = false;
  log.warn("refused");
  CHECK(kept.lines.size() == 1);
  CHECK(kept.last()["left_out"] == 2);
}

TEST_CASE("a value in the log has so many bytes") {
  Lines kept;
  Log log(Log::Format::json, kept.clock, kept.sink());
  log.warn("refused", {{"error", std::string(10'000'000, 'x')}, {"b", "short\n"}});
  std::string begin(Log::kMostValueBytes, 'x');
  begin += "...";
  CHECK(kept.last()["error"] == begin);
  CHECK(kept.last()["b"] == "short\n");
}
