// Loads a daemon as many clients at once would, and reports what they saw: bench_load --help.
#include <fmt/format.h>

#include <ctime>
#include <thread>

#include "bench.hpp"
#include "load_daemon.hpp"
#include "load_echo.hpp"
#include "load_options.hpp"
#include "load_population.hpp"
#include "load_report.hpp"
#include "os/process/child_helper.hpp"

namespace {

using namespace runed::bench;
using runed::Json;
using runed::Result;
using runed::SteadyTime;
using std::chrono::steady_clock;

constexpr uint64_t kProbeWords = 128;
constexpr std::chrono::seconds kMostLead{30};

double own_cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

SteadyTime after(double seconds) {
  return steady_clock::now() +
         std::chrono::duration_cast<SteadyTime::duration>(std::chrono::duration<double>(seconds));
}

// Also wakes the engine.
Result<TokenMeasure> measure_tokens(ObservedDaemon& daemon, uint64_t seed) {
  TRY_ASSIGN(const auto response, daemon.embed(LoadTexts::words(~seed, kProbeWords)));
  TokenMeasure measure{.per_word = (response.token_count() - 1.0) / kProbeWords};
  if (const int most = daemon.info().max_tokens(); most > 0) {
    measure.most = static_cast<uint32_t>(most);
  }
  return measure;
}

Result<ExpectedVectors> embed_alone(ObservedDaemon& daemon, const LoadTexts& texts,
                                    double least_cosine) {
  std::vector<std::vector<float>> vectors;
  for (uint64_t i = 0; i < texts.distinct(); ++i) {
    TRY_ASSIGN(const auto response, daemon.embed(texts.text(i)));
    vectors.emplace_back(response.vector().begin(), response.vector().end());
  }
  ExpectedVectors expected(std::move(vectors), least_cosine);
  if (const double most = expected.most_alike(); most >= least_cosine) {
    return runed::make_error(runed::ErrorCode::integrity,
                             "two texts have a cosine of {:.6f}: no wrong answer could be told",
                             most);
  }
  return expected;
}

PopulationResult result_of(const Population& population) {
  return {population.tally(), population.seconds(), population.stalled_clients()};
}

Json describe(const runed::v1::InfoResponse& info) {
  return {{"version", info.daemon_version()},
          {"model", info.model_name()},
          {"dimension", info.vector_dim()},
          {"engine", fmt::format("{} {} {}", info.engine(), info.compute(), info.kernel())}};
}

// Both populations, the second from the moment when the first of them has been answered.
runed::Status send(const LoadOptions& options, Population& foreground, Population* background) {
  TRY(foreground.connect());
  if (background != nullptr) {
    TRY(background->connect());
    background->start(SteadyTime::max());
    const SteadyTime late = steady_clock::now() + kMostLead;
    while (!background->has_begun() && steady_clock::now() < late) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  foreground.start(options.seconds > 0 ? after(options.seconds) : SteadyTime::max());
  if (background == nullptr) {
    foreground.wait();
  } else if (options.seconds == 0 && options.foreground.texts == 0) {
    background->wait();
    foreground.stop();
    foreground.wait();
  } else {
    foreground.wait();
    background->stop();
    background->wait();
  }
  foreground.finish();
  return {};
}

Result<Json> load_daemon(const LoadOptions& options, uint64_t& faults) {
  TRY_ASSIGN(const auto daemon, ObservedDaemon::connect(options.socket, options.foreground.model));
  TRY_ASSIGN(const TokenMeasure measure, measure_tokens(*daemon, options.seed));
  const LoadTexts texts(options.seed, options.distinct, options.foreground.lengths, measure);
  std::optional<ExpectedVectors> expected;
  if (options.check) {
    TRY_ASSIGN(expected, embed_alone(*daemon, texts, options.least_cosine));
  }
  Population foreground(options.foreground, options.socket, texts, expected ? &*expected : nullptr);
  std::optional<LoadTexts> other_texts;
  std::optional<Population> background;
  if (options.background.has_value()) {
    other_texts.emplace(~options.seed, 0, options.background->lengths, measure);
    background.emplace(*options.background, options.socket, *other_texts, nullptr);
  }
  TRY_ASSIGN(const DaemonLook before, daemon->look());
  const double cpu = own_cpu_seconds();
  TRY(send(options, foreground, background ? &*background : nullptr));
  const double cpu_used = own_cpu_seconds() - cpu;
  std::this_thread::sleep_for(std::chrono::duration<double>(options.settle_seconds));
  TRY_ASSIGN(const DaemonLook after_all, daemon->look());

  Json report{{"served_by", describe(daemon->info())}, {"seed", options.seed}};
  PopulationResult result = result_of(foreground);
  report["foreground"] = describe(options.foreground, result);
  if (expected) {
    faults = result.tally.wrong + result.tally.lost + result.tally.twice;
    report["foreground"]["wrong"] = result.tally.wrong;
    report["foreground"]["least_cosine"] = result.tally.least_cosine;
    report["foreground"]["most_alike_texts"] = expected->most_alike();
  }
  if (background) {
    PopulationResult other = result_of(*background);
    report["background"] = describe(*options.background, other);
  }
  DaemonWork work;
  work.add(before, after_all);
  report["daemon"] = describe(work);
  report["daemon"].update(describe_memory(before, *daemon, after_all));
  report["generator"] = {{"cpu_seconds", cpu_used}};
  return report;
}

// One of the two servers that are compared.
struct Side {
  std::string name;
  std::string socket;
  std::unique_ptr<ObservedDaemon> server;
  TokenMeasure measure{};
  PopulationResult result{};
  DaemonWork work{};
  std::vector<double> p50s_ms{};  // A round each.
};

Result<Side> connect_side(std::string name, const std::string& socket, uint64_t seed) {
  TRY_ASSIGN(auto server, ObservedDaemon::connect(socket));
  TRY_ASSIGN(const TokenMeasure measure, measure_tokens(*server, seed));
  return Side{std::move(name), socket, std::move(server), measure};
}

// Both sides get texts of the same length: those of the daemon, if there is one.
runed::Status run_round(const LoadOptions& options, uint32_t round, const TokenMeasure& measure,
                        Side& side) {
  PopulationOptions clients = options.foreground;
  if (clients.texts > 0) clients.texts = std::max<uint64_t>(1, clients.texts / options.rounds);
  const uint64_t seed = options.distinct > 0 ? options.seed : options.seed + round;
  const LoadTexts texts(seed, options.distinct, clients.lengths, measure);
  Population population(clients, side.socket, texts, nullptr);
  TRY(population.connect());
  TRY_ASSIGN(const DaemonLook before, side.server->look());
  population.start(options.seconds > 0 ? after(options.seconds / options.rounds)
                                       : SteadyTime::max());
  population.wait();
  TRY_ASSIGN(const DaemonLook after_all, side.server->look());
  LoadTally tally = population.tally();
  side.p50s_ms.push_back(percentile(tally.latencies_ms, 0.5));
  side.result.tally.add(tally);
  side.result.seconds += population.seconds();
  side.work.add(before, after_all);
  return {};
}

// What a call costs beyond a bare call, with the forward pass and without.
Json describe_overhead(const Side& daemon, const Side& echo) {
  std::vector<double> differences;
  for (size_t i = 0; i < daemon.p50s_ms.size(); ++i) {
    differences.push_back(1e3 * (daemon.p50s_ms[i] - echo.p50s_ms[i]));
  }
  const double difference = median(differences);
  const double pass = daemon.work.passes == 0 ? 0
                                              : static_cast<double>(daemon.work.microseconds) /
                                                    static_cast<double>(daemon.work.passes);
  return {{"p50_difference_us", difference},
          {"mean_pass_us", pass},
          {"beyond_a_pass_us", difference - pass}};
}

Result<Json> compare_with_echo(LoadOptions options) {
  std::vector<Side> sides;
  if (!options.socket.empty()) {
    TRY_ASSIGN(Side daemon, connect_side("daemon", options.socket, options.seed));
    options.dimension = static_cast<uint32_t>(daemon.server->info().vector_dim());
    sides.push_back(std::move(daemon));
  }
  TRY_ASSIGN(const auto echo, EchoServer::start(options.dimension));
  TRY_ASSIGN(Side bare, connect_side("echo", echo->socket(), options.seed));
  sides.push_back(std::move(bare));
  const double cpu = own_cpu_seconds();
  for (uint32_t round = 0; round < options.rounds; ++round) {
    for (size_t i = 0; i < sides.size(); ++i) {
      Side& side = sides[(round + i) % sides.size()];
      TRY(run_round(options, round, sides.front().measure, side));
    }
  }
  Json report{{"rounds", options.rounds}, {"seed", options.seed}};
  for (Side& side : sides) {
    report[side.name] = describe(options.foreground, side.result);
    if (side.name == "daemon") {
      report[side.name]["served_by"] = describe(side.server->info());
      report[side.name].update(describe(side.work));
    } else {
      report[side.name]["cpu_seconds"] = static_cast<double>(side.work.cpu.count()) / 1e3;
    }
  }
  if (sides.size() == 2) report["overhead"] = describe_overhead(sides[0], sides[1]);
  report["generator"] = {{"cpu_seconds", own_cpu_seconds() - cpu}};
  return report;
}

runed::Status run(int argc, char** argv) {
  TRY_ASSIGN(const LoadOptions options, read_load_options(argc, argv));
  if (!options.echo_server.empty()) {
    return run_echo_server(options.echo_server, options.dimension);
  }
  uint64_t faults = 0;  // That --check found.
  TRY_ASSIGN(const Json report,
             options.echo ? compare_with_echo(options) : load_daemon(options, faults));
  TRY(publish(report, options.json));
  if (faults == 0) return {};
  return make_error(runed::ErrorCode::integrity, "{} wrong, lost or double answers", faults);
}

}  // namespace

int main(int argc, char** argv) {
  runed::os::run_as_child_helper(argc, argv);
  const runed::Status status = run(argc, argv);
  if (status) return 0;
  fmt::print(stderr, "{}", format_error(status.error()));
  return status.error().code == runed::ErrorCode::usage ? 2 : 1;
}
