// Measures llama-server as a child, next to the native engine, and what happens to the answers when
// it is killed and stopped: bench_supervision runed llama-server [part...], where the parts are
// cosine, kill, stop, memory and throughput. bench/RESULTS.md keeps the last figures.
#include <fmt/format.h>
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <numeric>
#include <thread>

#include "base/json.hpp"
#include "base/text.hpp"
#include "bench.hpp"
#include "bench_home.hpp"
#include "checked_load.hpp"
#include "os/file/files.hpp"
#include "os/machine/memory.hpp"
#include "os/process/child_helper.hpp"
#include "os/process/process.hpp"
#include "runed/v1/runed.pb.h"
#include "wire_client.hpp"

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using namespace runed::bench;

constexpr int kClients = 16;
constexpr int kRounds = 9;
constexpr size_t kMostTexts = 4;  // Of a call in the storm.
constexpr const char* kNative = "native";
constexpr const char* kLlamaServer = "llama-server";

template <typename... Args>
void row(std::string_view what, fmt::format_string<Args...> format, Args&&... args) {
  fmt::print("| {} | {} |\n", what, fmt::format(format, std::forward<Args>(args)...));
  std::fflush(stdout);
}

// Every text of the reference but the blank one, which runed refuses.
Texts fixture_texts() {
  const auto json = value(runed::parse_json(
      value(runed::os::read_file(RUNED_TEST_DATA "/runed_mini_reference_vectors.json", 64 << 20))));
  Texts texts;
  for (const auto& entry : json) {
    if (!runed::is_blank(entry["text"].get<std::string>())) texts.push_back(entry["text"]);
  }
  return texts;
}

Vectors embed(WireClient& client, const Texts& texts) {
  Vectors vectors;
  for (Answer& answer : value(client.embed(texts))) {
    vectors.push_back(std::move(answer.vector));
  }
  require(vectors.size() == texts.size(), "not as many vectors as texts");
  return vectors;
}

// Of a daemon and its llama-server.
std::chrono::milliseconds cpu_of(int daemon) {
  auto used = runed::os::cpu_time_of(daemon);
  for (const int child : children_of(daemon)) used += runed::os::cpu_time_of(child);
  return used;
}

int engine_of(int daemon) {
  const auto children = children_of(daemon);
  return children.size() == 1 ? children.front() : 0;
}

std::string percentiles(std::vector<double> times) {
  std::ranges::sort(times);
  const auto at = [&](double share) {
    return times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))] / 1e3;
  };
  return fmt::format("p50 {:.3f} s, p99 {:.3f} s, max {:.3f} s", at(0.5), at(0.99), at(1));
}

void print(const std::string& what, const Tally& tally) {
  row(what + ": calls", "{} ({} errors), {}", tally.calls, tally.failed(),
      percentiles(tally.times));
  row(what + ": answers", "{} right (worst cosine {:.6f}), {} lost, {} twice, {} wrong", tally.good,
      tally.worst, tally.lost, tally.twice, tally.wrong);
  row(what + ": longest time without an answer", "{:.2f} s", tally.longest_gap / 1e3);
  for (const auto& [error, times] : tally.errors) row(what + ": error", "{} x {}", times, error);
}

/// The two engines, asked side by side.
class Bench {
 public:
  explicit Bench(Programs programs) : programs_(std::move(programs)), texts_(fixture_texts()) {
    BenchHome home(programs_, kNative);
    home.serve();
    WireClient client(home.socket_path());
    expected_ = embed(client, texts_);
    double nearest = -1;  // An answer that another text should have had must not look right.
    for (size_t i = 0; i < texts_.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        nearest = std::max(nearest, cosine(expected_[i], expected_[j]));
      }
    }
    row("cosine of the two texts most alike", "{:.6f}", nearest);
    require(nearest < kBetweenEngines, "two texts are too much alike to tell them apart");
  }

  void compare_vectors() const;
  void survive_kills(std::chrono::milliseconds pause) const;
  void survive_stop() const;
  void measure_life(const char* engine) const;
  void compare_throughput() const;

 private:
  Programs programs_;
  Texts texts_;
  Vectors expected_;
};

void Bench::compare_vectors() const {
  BenchHome home(programs_, kLlamaServer);
  home.serve();
  WireClient client(home.socket_path());
  const auto print_cosines = [this](const char* what, const Vectors& vectors) {
    std::vector<double> cosines;
    for (size_t i = 0; i < vectors.size(); ++i) cosines.push_back(cosine(vectors[i], expected_[i]));
    row(what, "min {:.6f}, mean {:.6f} of {} texts", std::ranges::min(cosines),
        std::accumulate(cosines.begin(), cosines.end(), 0.0) / static_cast<double>(cosines.size()),
        cosines.size());
  };
  Vectors alone;
  for (const std::string& text : texts_) alone.push_back(embed(client, {text}).front());
  print_cosines("cosine between the engines, each text alone", alone);
  print_cosines("cosine between the engines, one batch", embed(client, texts_));
}

void Bench::survive_kills(std::chrono::milliseconds pause) const {
  BenchHome home(programs_, kLlamaServer);
  home.serve();
  const int daemon = home.daemon_pid();
  CheckedLoad load(home.socket_path(), texts_, expected_);
  load.start(kClients, kMostTexts);
  size_t kills = 0;
  size_t absent = 0;
  const auto begin = steady_clock::now();
  for (auto next = begin + pause; next < begin + 60s; next += pause) {
    std::this_thread::sleep_until(next);
    const auto children = children_of(daemon);
    if (children.empty()) ++absent;
    for (const int child : children) {
      if (runed::os::signal_process(child, SIGKILL)) ++kills;
    }
  }
  const size_t during = load.calls();
  const auto storm_end = steady_clock::now();
  const Tally tally = load.finish();
  const double taken = milliseconds_since(storm_end);
  const std::string what = fmt::format("kill -9 every {} ms", pause.count());
  const auto health = value(WireClient(home.socket_path()).health());
  row(what, "{} kills, {} times there was no child, {} restarts told by Health", kills, absent,
      health.restarts);
  print(what, tally);
  row(what + ": calls answered before the last kill", "{}", during);
  row(what + ": the last call answered after the last kill", "{:.2f} s", taken / 1e3);
  row(what + ": afterwards", "state {}, {} child, {} tokens in the queue, the daemon {}",
      runed::v1::HealthResponse::Status_Name(
          static_cast<runed::v1::HealthResponse::Status>(health.status)),
      children_of(daemon).size(), health.queue_tokens,
      home.daemon_pid() == daemon ? "lived on" : "is another one");
}

void Bench::survive_stop() const {
  std::vector<double> found;
  std::vector<double> replaced;
  std::vector<double> answered;
  Tally last;
  for (int i = 0; i < 3; ++i) {
    BenchHome home(programs_, kLlamaServer);
    home.serve();
    const int daemon = home.daemon_pid();
    CheckedLoad load(home.socket_path(), texts_, expected_);
    load.start(4, texts_.size());
    while (load.calls() < 50) std::this_thread::sleep_for(1ms);
    const int stopped = engine_of(daemon);
    require(stopped != 0, "there is no llama-server to stop");
    value(runed::os::signal_process(stopped, SIGSTOP));
    std::this_thread::sleep_for(50ms);  // Answers on their way arrive.
    const size_t before = load.calls();
    const auto begin = steady_clock::now() - 50ms;
    require(runed::os::wait_for_exit(stopped, 120s), "nobody ended the stopped llama-server");
    found.push_back(milliseconds_since(begin) / 1e3);
    while (engine_of(daemon) == 0) std::this_thread::sleep_for(1ms);
    replaced.push_back(milliseconds_since(begin) / 1e3);
    while (load.calls() == before) std::this_thread::sleep_for(1ms);
    answered.push_back(milliseconds_since(begin) / 1e3);
    std::this_thread::sleep_for(1s);
    last = load.finish();
    require(last.failed() + last.lost + last.twice + last.wrong == 0, "SIGSTOP cost an answer");
  }
  row("SIGSTOP under load: found and ended after", "{:.2f} s", median(found));
  row("SIGSTOP under load: the next one started after", "{:.2f} s", median(replaced));
  row("SIGSTOP under load: the first call answered after", "{:.2f} s", median(answered));
  print("SIGSTOP under load", last);
}

void Bench::measure_life(const char* engine) const {
  BenchHome home(programs_, engine, {"RUNED_IDLE_TIMEOUT=1s"});
  const auto name = [&](const char* what) { return fmt::format("{}: {}", engine, what); };
  const auto embed_once = [&] { home.run({"embed", "--", texts_.front()}); };
  row(name("first embed in a fresh home"), "{:.0f} ms", milliseconds_of(embed_once));
  std::vector<double> starts;
  for (int i = 0; i < kRounds; ++i) {
    home.shut_down();
    starts.push_back(milliseconds_of(embed_once));
  }
  row(name("embed that starts the daemon"), "{:.0f} ms", median(starts));

  WireClient client(home.socket_path());
  const int daemon = value(client.daemon_pid());
  const auto print_memory = [&](const char* what) {
    std::string text = fmt::format("daemon {:.1f} MB",
                                   static_cast<double>(runed::os::resident_bytes_of(daemon)) / 1e6);
    for (const int child : children_of(daemon)) {
      text += fmt::format(", child {:.1f} MB of its own, {:.1f} MB resident",
                          static_cast<double>(runed::os::anonymous_bytes_of(child)) / 1e6,
                          static_cast<double>(runed::os::resident_bytes_of(child)) / 1e6);
    }
    row(name(what), "{}", text);
  };
  const auto suspend = [&] {
    while (value(client.health()).status != runed::v1::HealthResponse::STATUS_IDLE) {
      std::this_thread::sleep_for(20ms);
    }
  };
  print_memory("memory after one text");
  embed(client, texts_);
  print_memory("memory after all texts");
  suspend();
  print_memory("memory while suspended");
  std::vector<double> resumes;
  for (int i = 0; i < kRounds; ++i) {
    suspend();
    resumes.push_back(milliseconds_of([&] { embed(client, {texts_.front()}); }));
  }
  row(name("call that resumes"), "{:.0f} ms", median(resumes));
  print_memory("memory after resuming, one text");
}

void Bench::compare_throughput() const {
  struct Side {
    Side(const Programs& programs, const char* engine) : home(programs, engine) {
      home.serve();
      client = std::make_unique<WireClient>(home.socket_path());
    }
    BenchHome home;
    std::unique_ptr<WireClient> client;
    std::vector<double> batched;  // Milliseconds for all texts, as are these.
    std::vector<double> alone;
    double cpu = 0;  // Milliseconds of the batches.
  };
  Side sides[] = {{programs_, kNative}, {programs_, kLlamaServer}};
  double tokens = 0;
  for (const Answer& answer : value(sides[0].client->embed(texts_))) tokens += answer.tokens;
  constexpr int kRepeats = 10;
  for (int round = 0; round <= kRounds; ++round) {
    for (Side& side : sides) {
      const auto cpu = cpu_of(side.home.daemon_pid());
      const double batched = milliseconds_of([&] {
        for (int i = 0; i < kRepeats; ++i) embed(*side.client, texts_);
      });
      const auto used = cpu_of(side.home.daemon_pid()) - cpu;
      const double alone = milliseconds_of([&] {
        for (const std::string& text : texts_) embed(*side.client, {text});
      });
      if (round == 0) continue;  // Warms up.
      side.cpu += static_cast<double>(used.count());
      side.batched.push_back(batched / kRepeats);
      side.alone.push_back(alone);
    }
  }
  const auto print_rates = [&](const char* what, std::vector<double> Side::*times) {
    for (const Side& side : sides) {
      const double seconds = median(side.*times) / 1e3;
      row(fmt::format("{}, {}", what, &side == sides ? kNative : kLlamaServer),
          "{:.0f} texts/s, {:.0f} tokens/s", static_cast<double>(texts_.size()) / seconds,
          tokens / seconds);
    }
    row(fmt::format("{}, llama-server to native", what), "{:.2f}",
        median(sides[0].*times) / median(sides[1].*times));
  };
  print_rates("batches of all texts", &Side::batched);
  print_rates("one text a call", &Side::alone);
  for (const Side& side : sides) {
    row(fmt::format("batches of all texts, {}", &side == sides ? kNative : kLlamaServer),
        "{:.2f} ms of CPU a text",
        side.cpu / (kRounds * kRepeats * static_cast<double>(texts_.size())));
  }
}

}  // namespace

int main(int argc, char** argv) {
  runed::os::run_as_child_helper(argc, argv);
  require(argc >= 3, "usage: bench_supervision runed llama-server [part...]");
  const std::vector<std::string> parts(argv + 3, argv + argc);
  const auto wanted = [&](const char* part) {
    return parts.empty() || std::ranges::find(parts, part) != parts.end();
  };
  fmt::print("| what | figure |\n|---|---:|\n");
  const Bench bench(
      {std::filesystem::absolute(argv[1]).string(), std::filesystem::absolute(argv[2]).string()});
  if (wanted("cosine")) bench.compare_vectors();
  if (wanted("kill")) {
    for (const auto pause : {300ms, 1000ms}) bench.survive_kills(pause);
  }
  if (wanted("stop")) bench.survive_stop();
  if (wanted("memory")) {
    bench.measure_life(kNative);
    bench.measure_life(kLlamaServer);
  }
  if (wanted("throughput")) bench.compare_throughput();
}
