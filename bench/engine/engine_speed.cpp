#include "engine_speed.hpp"

#include <ctime>
#include <numeric>

#include "bench.hpp"

namespace runed::bench {
namespace {

constexpr size_t kFewestRuns = 3;
constexpr size_t kMostRuns = 31;

double process_cpu_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

}  // namespace

uint64_t Workload::tokens() const {
  return std::accumulate(lengths.begin(), lengths.end(), uint64_t{0});
}

std::vector<Workload> standard_workloads() {
  std::vector<Workload> workloads;
  for (const uint32_t tokens : {12U, 16U, 128U, 512U, 2048U}) {
    workloads.push_back({std::to_string(tokens), {tokens}});
  }
  workloads.push_back({"32x24", std::vector<uint32_t>(32, 24)});
  workloads.push_back({"32x200", std::vector<uint32_t>(32, 200)});
  workloads.push_back({"8192", {8192}, true});
  return workloads;
}

// The first run makes room for activations and brings the file into the process: it counts only
// where there is no other.
Speed measure_speed(const Model& model, const Mode& mode, uint32_t threads,
                    const Workload& workload, double seconds) {
  embed::native::PhaseTimes phases;
  const auto engine = start_engine(model, mode, threads, &phases);
  const std::vector<embed::PreparedText> texts = random_texts(model, workload.lengths);
  std::vector<double> wall;
  std::vector<double> cpu;
  const auto run = [&] {
    const double begin = process_cpu_ms();
    wall.push_back(milliseconds_of([&] { value(embed::embed_all(*engine, texts)); }));
    cpu.push_back(process_cpu_ms() - begin);
  };
  if (workload.once) {
    value(embed::embed_all(*engine, random_texts(model, {16})));
  } else {
    value(embed::embed_all(*engine, texts));
  }
  const auto before = phases.spent();
  const auto begin = std::chrono::steady_clock::now();
  do {
    run();
  } while (!workload.once && wall.size() < kMostRuns &&
           (wall.size() < kFewestRuns || milliseconds_since(begin) < seconds * 1e3));

  const Arithmetic arithmetic = count_arithmetic(model.spec, texts);
  Speed speed{.wall_ms = median(wall),
              .cpu_ms = median(cpu),
              .runs = wall.size(),
              .giga_multiply_adds = arithmetic.total() / 1e9,
              .phase_ms = {},
              .arithmetic = arithmetic};
  for (size_t phase = 0; phase < before.size(); ++phase) {
    const std::chrono::duration<double, std::milli> spent = phases.spent()[phase] - before[phase];
    speed.phase_ms.push_back(spent.count() / static_cast<double>(wall.size()));
  }
  return speed;
}

}  // namespace runed::bench
