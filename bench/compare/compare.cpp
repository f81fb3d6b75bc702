// Runs the native engine and the real llama-server side by side on the same model files:
//
//   bench_compare [options] LLAMA_SERVER MODEL.gguf...
//   bench_compare --rivals DIRECTORY [options] LLAMA_SERVER MODEL.gguf...
//   bench_compare --from RESULTS.json [--svg PLOT.svg]   (tells and draws once more)
//
// One llama-server for each set of flags: its defaults, the predecessor's, those of runed's own
// child, and several that could be the fastest (compare_flags.cpp). All get the same token ids, so
// no tokenizer is measured. In each round all contenders take turns at each workload, and a server
// is stopped (SIGSTOP) but for its turns. Wall time is that of a request until its answer has come;
// CPU time that of the process that computes. Of the servers' requests over a Unix socket, writing
// the JSON and reading the vectors is not counted, and what its threads spin after the answer
// neither. With --rivals, which names the same model as a Hugging Face directory, ONNX Runtime, OpenVINO
// and, where it is installed, PyTorch take turns too, each in a child that keeps the model and is given
// ids (rivals/rival.py, in the environment that get-rivals makes); their time is taken inside. A ratio
// is the median of the best peer of that workload to the row's own: of the llama-servers and, for a row
// of runed's, of the rivals that are as exact. The tables go to stdout, all figures to --json, the plot
// of them to --svg.
//
// Of an encoder: bench_compare --compute auto,f32 --lengths 12,128,256 --idle 5 --documents 5 --text
// README.md --reference mini.f32.gguf --rivals build/test-models/all-MiniLM-L6-v2 --sets "defaults,one
// slot,32 slots" LLAMA_SERVER mini.f32.gguf mini.q8_0.gguf
//
// bench/RESULTS.md has: bench_compare --json compare.json --svg bench/compare.svg LLAMA_SERVER
// full.q8_0.gguf full.q6_k.gguf full.q4_k_m.gguf full.f16.gguf, models of bench_make_model.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "bench.hpp"
#include "compare_report.hpp"
#include "compare_run.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"
#include "os/machine/cpus.hpp"
#include "os/process/child_helper.hpp"

namespace {

using namespace runed::bench;
using runed::Json;
using runed::embed::native::NumberFormat;

constexpr uint32_t kLongText = 2048;
constexpr size_t kMostJsonBytes = size_t{64} << 20;

struct Flags {
  RunOptions run;
  std::vector<std::string> computes{"auto"};
  std::vector<std::string> more_sets;
  std::vector<std::string> models;
  std::string json;
  std::string svg;
  std::string from;
  std::string environment = "build/bench-venv";
  unsigned idle_ms = 0;
  bool with_long = false;
};

void define(CLI::App& app, Flags& flags) {
  app.add_option("--threads", flags.run.threads)->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--rounds", flags.run.rounds)->check(CLI::Range(1, 1000))->capture_default_str();
  WorkloadOptions& workloads = flags.run.workloads;
  app.add_option("--lengths", workloads.lengths, "Tokens of the texts that come alone")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--idle", flags.idle_ms,
                 "Also ask them each after so many milliseconds of idleness")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--queries", workloads.queries, "Of up to 32 tokens, in each round")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--documents", workloads.documents, "Of more tokens, and batches, in each round")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--text", flags.run.text, "A file to cut texts out of; default: random tokens");
  app.add_option("--reference", flags.run.reference,
                 "The file whose f32 vectors all are compared with; default: each model itself");
  app.add_option("--rivals", flags.run.rivals, "The model as a Hugging Face directory");
  app.add_option("--rivals-environment", flags.environment, "What get-rivals has made")
      ->capture_default_str();
  app.add_option("--compute", flags.computes, "Modes of the native engine")
      ->delimiter(',')
      ->check(CLI::IsMember({"auto", "f32", "bf16", "int16", "int8"}))
      ->capture_default_str();
  app.add_flag("--long", flags.with_long, "Also a text of 2048 tokens");
  app.add_option("--drop", flags.run.drop_beyond,
                 "After the first round, ask no more those flags that took this many times as long "
                 "as the best everywhere; 0: ask all");
  app.add_option("--sets", flags.run.only_sets, "Names of flag sets; default: all")->delimiter(',');
  app.add_option("--set", flags.more_sets, "One more flag set, 'NAME: FLAG...'")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--json", flags.json, "Where to write all figures");
  app.add_option("--svg", flags.svg, "Where to draw them");
  app.add_option("--from", flags.from, "Do not measure: read what --json has written");
  app.add_option("LLAMA_SERVER", flags.run.llama_server);
  app.add_option("MODEL", flags.models);
}

NumberFormat compute_of(std::string_view name) {
  for (const NumberFormat compute :
       {NumberFormat::f32, NumberFormat::bf16, NumberFormat::int16, NumberFormat::int8}) {
    if (name_of(compute) == name) return compute;
  }
  return NumberFormat::automatic;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown CPU";
}

void write_file(const std::string& path, const std::string& content) {
  if (!path.empty()) value(runed::os::write_file_atomically(path, content, 0644));
}

Json measure(Flags& flags) {
  RunOptions& run = flags.run;
  require(!flags.models.empty(), "give a llama-server and at least one model");
  run.llama_server = std::filesystem::absolute(run.llama_server).string();
  run.features = value(runed::embed::llama_server::read_features(run.llama_server));
  run.workloads.idle = std::chrono::milliseconds(flags.idle_ms);
  if (flags.with_long) run.workloads.lengths.push_back(kLongText);
  run.rival_python = std::filesystem::absolute(flags.environment + "/bin/python").string();
  run.rival_script = RUNED_BENCH_RIVAL;
  if (!run.rivals.empty()) {
    require(std::filesystem::exists(run.rival_python),
            run.rival_python + " is not there: bench/compare/get-rivals makes it");
    run.rivals = std::filesystem::absolute(run.rivals).string();
  }
  run.computes.clear();
  for (const std::string& name : flags.computes) run.computes.push_back(compute_of(name));
  for (const std::string& text : flags.more_sets) {
    run.more_sets.push_back(value(parse_flag_set(text)));
  }
  Json results{{"machine",
                {{"cpu", cpu_name()},
                 {"cores", runed::os::available_cpus()},
                 {"llama_server", run.features.version}}},
               {"threads", run.threads},
               {"rounds", run.rounds},
               {"models", Json::array()}};
  for (const std::string& model : flags.models) {
    results["models"].push_back(value(measure_model(run, model)));
    write_file(flags.json, results.dump(1) + "\n");  // What there is, if a later one fails.
  }
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  runed::os::run_as_child_helper(argc, argv);
  CLI::App app("Compares the native engine with llama-server, on the same files in turns");
  Flags flags;
  define(app, flags);
  CLI11_PARSE(app, argc, argv);
  try {
    const Json results =
        flags.from.empty()
            ? measure(flags)
            : value(runed::parse_json(value(runed::os::read_file(flags.from, kMostJsonBytes))));
    fmt::print("{}", make_tables(results));
    if (!flags.svg.empty()) write_file(flags.svg, draw_plot(results));
  } catch (const std::exception& error) {
    require(false, error.what());
  }
}
