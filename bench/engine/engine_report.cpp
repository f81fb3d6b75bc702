#include "engine_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace runed::bench {
namespace {

using embed::native::kPhaseNames;
using embed::native::Phase;

double per_second(double count, double ms) {
  return ms > 0 ? count * 1e3 / ms : 0;
}

// GMAC/s of one core at its peak in a phase, while as many threads run.
double core_peak(const ModePeak& peak, size_t phase, uint32_t threads) {
  const Peak& of = phase == static_cast<size_t>(Phase::attention) ? peak.attention : peak.products;
  return threads == 1 ? of.one_thread : of.all_threads / of.threads;
}

double gigas(const Speed& speed, size_t phase) {
  return speed.arithmetic.by_phase[phase] / 1e9;
}

// The time that one core would take for all products at its peak.
double ideal_ms(const SpeedRow& row, const ModePeak& peak) {
  double ms = 0;
  for (size_t phase = 0; phase < kPhaseNames.size(); ++phase) {
    ms += gigas(row.speed, phase) * 1e3 / core_peak(peak, phase, row.threads);
  }
  return ms;
}

struct Fractions {
  double wall = 0;  // Of the peak of as many cores as there are threads.
  double cpu = 0;   // Of one core's, by CPU time.
};

Fractions fractions_of(const SpeedRow& row, const ModePeak& peak) {
  const double ideal = ideal_ms(row, peak);
  return {ideal / (row.speed.wall_ms * row.threads), ideal / row.speed.cpu_ms};
}

std::string percent(double fraction) {
  return fmt::format("{:.0f} %", fraction * 100);
}

double megabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

// The rows to tell phases of: of the greatest number of threads.
std::vector<const SpeedRow*> phase_rows(const std::vector<SpeedRow>& rows) {
  uint32_t most = 0;
  for (const SpeedRow& row : rows) most = std::max(most, row.threads);
  std::vector<const SpeedRow*> chosen;
  for (const SpeedRow& row : rows) {
    if (row.threads == most) chosen.push_back(&row);
  }
  return chosen;
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

void print_peaks(const std::vector<Peak>& peaks, uint32_t threads) {
  if (peaks.empty()) return;
  fmt::print(
      "\n### Peak of the machine\n\nThe instruction alone, on registers; multiply-adds in G per "
      "second of CPU time, best of several.\n\n"
      "| instruction | registers | 1 thread | {} threads |\n|---|---|---:|---:|\n",
      threads);
  for (const Peak& peak : peaks) {
    fmt::print("| {} | {} | {:.1f} | {:.1f} |\n", peak.instruction.name, peak.instruction.registers,
               peak.one_thread, peak.all_threads);
  }
}

void print_speed_heading(const Mode& mode) {
  fmt::print(
      "\n### {} on {}\n\n| tokens | threads | ms | CPU ms | tokens/s | tokens/s of CPU | GMAC/s | "
      "of peak | of peak by CPU time | runs |\n"
      "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
      mode.compute, mode.cpu);
}

void print_speed_row(const SpeedRow& row, const ModePeak* peak) {
  const auto tokens = static_cast<double>(row.workload.tokens());
  const Speed& speed = row.speed;
  std::string wall = "–";
  std::string cpu = "–";
  if (peak != nullptr) {
    const Fractions fractions = fractions_of(row, *peak);
    wall = percent(fractions.wall);
    cpu = percent(fractions.cpu);
  }
  fmt::print("| {} | {} | {:.1f} | {:.1f} | {:.0f} | {:.0f} | {:.0f} | {} | {} | {} |\n",
             row.workload.name, row.threads, speed.wall_ms, speed.cpu_ms,
             per_second(tokens, speed.wall_ms), per_second(tokens, speed.cpu_ms),
             per_second(speed.giga_multiply_adds, speed.wall_ms), wall, cpu, speed.runs);
  std::fflush(stdout);
}

void print_phases(const std::vector<SpeedRow>& rows, const ModePeak* peak) {
  const std::vector<const SpeedRow*> chosen = phase_rows(rows);
  if (chosen.empty()) return;
  fmt::print("\nShare of time by phase, and what its products reach of the peak; {} threads:\n\n|",
             chosen.front()->threads);
  fmt::print(" phase |");
  for (const SpeedRow* row : chosen) fmt::print(" {} |", row->workload.name);
  fmt::print("\n|---|");
  for (size_t i = 0; i < chosen.size(); ++i) fmt::print("---:|");
  fmt::print("\n");
  for (size_t phase = 0; phase < kPhaseNames.size(); ++phase) {
    fmt::print("| {} |", kPhaseNames[phase]);
    for (const SpeedRow* row : chosen) {
      const double ms = row->speed.phase_ms[phase];
      const double work = gigas(row->speed, phase);
      fmt::print(" {:.1f} %", 100 * ms / sum_of(row->speed.phase_ms));
      if (peak != nullptr && work > 0) {
        const double rate = per_second(work, ms) / row->threads;
        fmt::print(" ({})", percent(rate / core_peak(*peak, phase, row->threads)));
      }
      fmt::print(" |");
    }
    fmt::print("\n");
  }
}

void print_load(const std::vector<ModeResult>& results) {
  fmt::print(
      "\n### Load, resume and private memory\n\nms; MB of RssAnon above what the process has "
      "without an engine.\n\n"
      "| mode | start | start after stop | first pass | warm pass | resume costs | idle | started "
      "| after 2,048 tokens | stopped |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
  for (const ModeResult& result : results) {
    const LoadTimes& load = result.load;
    const PrivateMemory& memory = result.memory;
    fmt::print(
        "| {} on {} | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:.1f} | "
        "{:.1f} |\n",
        result.mode.compute, result.mode.cpu, load.fresh_start_ms, load.restart_ms,
        load.first_pass_ms, load.warm_pass_ms, load.resume_ms(), megabytes(memory.idle),
        megabytes(memory.started), megabytes(memory.after_pass), megabytes(memory.stopped));
  }
  std::fflush(stdout);
}

Json to_json(const Peak& peak) {
  return {{"instruction", peak.instruction.name},
          {"registers", peak.instruction.registers},
          {"one_thread_gmacs", peak.one_thread},
          {"all_threads_gmacs", peak.all_threads},
          {"threads", peak.threads}};
}

void print_kernel(const std::vector<ModeResult>& results) {
  fmt::print(
      "\n### Micro-kernel\n\nOne core, panel and rows in its own caches; a panel has {} "
      "columns.\n\n"
      "| mode | product | weights | depth | GMAC/s | of peak | pack a panel, µs | as rows | "
      "prepare "
      "a row, µs |\n|---|---|---|---:|---:|---:|---:|---:|---:|\n",
      embed::native::kPanelColumns);
  for (const ModeResult& result : results) {
    for (const KernelRate& rate : result.kernel) {
      const Peak* peak = nullptr;
      if (result.peak) {
        peak = rate.is_attention ? &result.peak->attention : &result.peak->products;
      }
      fmt::print("| {} on {} | {} | {} | {} | {:.1f} | {} | {:.1f} | {:.1f} | {:.2f} |\n",
                 result.mode.compute, result.mode.cpu, rate.matrix, rate.weights, rate.depth,
                 rate.gmacs, peak == nullptr ? "–" : percent(rate.gmacs / peak->one_thread),
                 rate.pack_us, rate.rows_per_pack(), rate.prepare_us);
    }
  }
}

Json to_json(const ModeResult& result) {
  Json json{{"cpu", result.mode.cpu}, {"compute", result.mode.compute}, {"speed", Json::array()}};
  for (const SpeedRow& row : result.speeds) {
    Json phases = Json::object();
    for (size_t phase = 0; phase < kPhaseNames.size(); ++phase) {
      phases[std::string(kPhaseNames[phase])] = {{"ms", row.speed.phase_ms[phase]},
                                                 {"gmac", gigas(row.speed, phase)}};
    }
    Json entry{{"workload", row.workload.name},
               {"tokens", row.workload.tokens()},
               {"threads", row.threads},
               {"runs", row.speed.runs},
               {"wall_ms", row.speed.wall_ms},
               {"cpu_ms", row.speed.cpu_ms},
               {"gmac", row.speed.giga_multiply_adds},
               {"phases", phases}};
    if (result.peak) {
      const Fractions fractions = fractions_of(row, *result.peak);
      entry["of_peak"] = fractions.wall;
      entry["of_peak_by_cpu_time"] = fractions.cpu;
    }
    json["speed"].push_back(entry);
  }
  json["load_ms"] = {{"threads", result.threads},
                     {"fresh_start", result.load.fresh_start_ms},
                     {"restart", result.load.restart_ms},
                     {"first_pass", result.load.first_pass_ms},
                     {"warm_pass", result.load.warm_pass_ms},
                     {"resume", result.load.resume_ms()}};
  json["private_bytes"] = {{"floor", result.memory.floor},
                           {"idle", result.memory.idle},
                           {"started", result.memory.started},
                           {"after_2048_tokens", result.memory.after_pass},
                           {"stopped", result.memory.stopped}};
  json["kernel"] = Json::array();
  for (const KernelRate& rate : result.kernel) {
    json["kernel"].push_back({{"product", rate.matrix},
                              {"weights", rate.weights},
                              {"depth", rate.depth},
                              {"gmacs", rate.gmacs},
                              {"pack_us", rate.pack_us},
                              {"prepare_us", rate.prepare_us}});
  }
  return json;
}

}  // namespace runed::bench
