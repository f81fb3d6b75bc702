// Measures the native engine in this process, against what the machine can do at most: bench_engine
// [options] MODEL.gguf... It prints tables in Markdown: tokens per second and where the time goes,
// by length and batch, mode and threads; time to be ready, and private memory.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

#include "bench.hpp"
#include "engine_report.hpp"
#include "os/machine/cpus.hpp"

namespace {

using namespace runed::bench;
using runed::Json;

struct Flags {
  std::vector<std::string> models;
  uint32_t threads = runed::os::available_cpus();
  std::vector<std::string> compute{"all"};
  std::vector<std::string> cpu;
  std::vector<std::string> tokens;
  double seconds = 1.5;
  std::string json;
};

void define(CLI::App& app, Flags& flags) {
  app.add_option("MODEL", flags.models, "GGUF files")->required()->check(CLI::ExistingFile);
  app.add_option("--threads", flags.threads, "Measure with 1 thread and with this many")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--compute", flags.compute, "Modes: auto, f32, bf16, int16, int8, or all")
      ->delimiter(',');
  app.add_option("--cpu", flags.cpu, "Instruction sets, or all; the fastest if not given")
      ->delimiter(',');
  app.add_option("--tokens", flags.tokens, "Only these lengths and batches, such as 512,32x24")
      ->delimiter(',');
  app.add_option("--seconds", flags.seconds, "To repeat each measurement for, at least 3 times")
      ->capture_default_str();
  app.add_option("--json", flags.json, "File to write all figures to");
}

// Those that were asked for and that the model can take.
std::vector<Workload> choose_workloads(const Flags& flags, const Model& model) {
  std::vector<Workload> chosen;
  for (const Workload& workload : standard_workloads()) {
    const bool named = std::ranges::find(flags.tokens, workload.name) != flags.tokens.end();
    const bool fits = std::ranges::max(workload.lengths) <= model.spec.longest_text();
    if ((flags.tokens.empty() || named) && fits) chosen.push_back(workload);
  }
  require(!chosen.empty(),
          "the model takes none of these lengths; there are 12, 16, 128, 512, 2048, 32x24, 32x200, "
          "8192");
  return chosen;
}

std::vector<Peak> measure_peaks(uint32_t threads) {
  std::vector<Peak> peaks;
  for (const Instruction& instruction : available_instructions()) {
    peaks.push_back(measure_peak(instruction, threads));
  }
  return peaks;
}

ModeResult measure_mode(const Model& model, const Mode& mode, const Flags& flags,
                        const std::vector<Peak>& peaks) {
  ModeResult result{.mode = mode,
                    .peak = find_peak(peaks, mode),
                    .threads = flags.threads,
                    .speeds = {},
                    .load = measure_load(model, mode, flags.threads),
                    .memory = measure_memory(model, mode, flags.threads),
                    .kernel = measure_kernel(model, mode)};
  const ModePeak* peak = result.peak ? &*result.peak : nullptr;
  print_speed_heading(mode);
  for (const Workload& workload : choose_workloads(flags, model)) {
    std::vector<uint32_t> threads{flags.threads};
    if (!workload.once && flags.threads > 1) threads.insert(threads.begin(), 1);
    for (const uint32_t count : threads) {
      const SpeedRow row{workload, count,
                         measure_speed(model, mode, count, workload, flags.seconds)};
      print_speed_row(row, peak);
      result.speeds.push_back(row);
    }
  }
  print_phases(result.speeds, peak);
  return result;
}

Json measure_model(const std::string& path, const Flags& flags, const std::vector<Peak>& peaks) {
  const Model model = open_model(path);
  const Mode automatic = find_modes(model, flags.cpu, {"auto"}).front();
  fmt::print("\n## {}\n\n{} layers of width {}, {} weights, {:.0f} MB; `auto` is {} on {}\n",
             model.name, model.spec.layers, model.spec.width, model.weights,
             static_cast<double>(model.file.size_bytes) / 1e6, automatic.compute, automatic.cpu);
  Json json{{"model", model.name},
            {"weights", model.weights},
            {"size_bytes", model.file.size_bytes},
            {"auto", automatic.compute},
            {"modes", Json::array()}};
  std::vector<ModeResult> results;
  for (const Mode& mode : find_modes(model, flags.cpu, flags.compute)) {
    results.push_back(measure_mode(model, mode, flags, peaks));
    json["modes"].push_back(to_json(results.back()));
  }
  print_kernel(results);
  print_load(results);
  return json;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures the native engine");
  Flags flags;
  define(app, flags);
  CLI11_PARSE(app, argc, argv);
  const std::vector<Peak> peaks = measure_peaks(flags.threads);
  print_peaks(peaks, flags.threads);
  Json json{{"threads", flags.threads}, {"peaks", Json::array()}, {"models", Json::array()}};
  for (const Peak& peak : peaks) json["peaks"].push_back(to_json(peak));
  for (const std::string& path : flags.models) {
    json["models"].push_back(measure_model(path, flags, peaks));
  }
  if (flags.json.empty()) return 0;
  std::ofstream file(flags.json);
  file << json.dump(2) << '\n';
  file.close();
  require(!file.fail(), fmt::format("cannot write '{}'", flags.json));
}
