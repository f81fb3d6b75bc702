#include "compare_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <thread>

#include "base/clock.hpp"
#include "bench.hpp"
#include "compare_foreign.hpp"
#include "compare_rival.hpp"
#include "embed/model/gguf.hpp"
#include "os/directory/directories.hpp"
#include "os/file/files.hpp"

namespace runed::bench {
namespace {

using embed::native::NumberFormat;

// Another one for everything that is asked.
constexpr uint64_t kWarmUpSeed = uint64_t{1} << 40;
// Far less than rounding can cost, and far more than unrelated texts have.
constexpr double kLeastCosine = 0.8;
constexpr size_t kMostTextBytes = size_t{1} << 22;

// A contender and what was measured of it.
struct Entry {
  struct Samples {
    std::vector<double> wall_ms;
    std::vector<double> cpu_ms;
    double cosine = 1;
  };

  std::unique_ptr<Contender> contender;
  std::vector<Samples> samples{};  // For each workload.
  uint64_t own_bytes = 0;
  bool is_dropped = false;
};

// Source: llama.cpp, enum llama_ftype.
std::string type_name(uint64_t file_type) {
  static const std::map<uint64_t, std::string> names{{0, "F32"},     {1, "F16"},     {7, "Q8_0"},
                                                     {14, "Q4_K_S"}, {15, "Q4_K_M"}, {16, "Q5_K_S"},
                                                     {17, "Q5_K_M"}, {18, "Q6_K"},   {32, "BF16"}};
  const auto found = names.find(file_type);
  return found == names.end() ? fmt::format("type {}", file_type) : found->second;
}

class Comparison {
 public:
  Comparison(const RunOptions& options, std::string path)
      : options_(options), path_(std::move(path)) {}

  Result<Json> run() {
    TRY(read_model());
    TRY(start_native());
    TRY_ASSIGN(const auto directory, os::TemporaryDirectory::create("/tmp/runed-compare."));
    TRY(start_servers(directory.path()));
    TRY(start_rivals_in(directory.path()));
    for (Entry& entry : entries_) entry.samples.resize(workloads_.size());
    TRY(compute_reference());
    const ForeignLoad load(children());
    for (unsigned round = 0; round < options_.rounds; ++round) {
      TRY(run_round(round));
      if (round == 0 && options_.drop_beyond > 0) drop_the_slow();
    }
    Json told = tell();
    told["foreign_cores"] = load.cores();
    entries_.clear();  // Before the directory.
    return told;
  }

 private:
  Status read_model() {
    TRY_ASSIGN(file_, embed::ModelFile::open({.path = path_}));
    TRY_ASSIGN(const auto gguf, embed::Gguf::parse_metadata(file_->bytes()));
    TRY_ASSIGN(source_.vocabulary, gguf.array_size("tokenizer.ggml.tokens"));
    TRY_ASSIGN(const uint64_t file_type, gguf.unsigned_value("general.file_type"));
    type_ = type_name(file_type);
    TRY_ASSIGN(model_, embed::llama_server::describe_model(file_, {}, {}));
    // llama-server refuses a text that fills its context.
    workloads_ = make_workloads(options_.workloads,
                                std::min(model_.spec.context - 1, model_.spec.longest_text()));
    return read_source();
  }

  // The frame of a model whose tokenizer is not ours has no ids.
  Status read_source() {
    if (model_.tokenizer == nullptr && options_.text.empty()) return {};
    if (model_.tokenizer == nullptr) {
      return make_error(ErrorCode::model_unsupported, "'{}' has no tokenizer of ours for a text",
                        path_);
    }
    source_.frame = model_.spec.frame;
    if (options_.text.empty()) return {};
    TRY_ASSIGN(const std::string text, os::read_file(options_.text, kMostTextBytes));
    TRY_ASSIGN(source_.ids, model_.tokenizer->tokenize(text));
    return {};
  }

  // A mode that this machine lacks is no error, and one that `auto` has chosen already is not
  // measured again.
  Status start_native() {
    for (const NumberFormat compute : options_.computes) {
      auto made = make_native(path_, compute, options_.threads, clock_);
      if (made) {
        const bool is_there = std::ranges::any_of(entries_, [&](const Entry& entry) {
          return entry.contender->name() == (*made)->name();
        });
        if (!is_there) entries_.push_back({.contender = std::move(*made)});
        continue;
      }
      const bool is_lacking = made.error().code == ErrorCode::invalid_argument ||
                              made.error().code == ErrorCode::model_unsupported;
      if (!is_lacking) return std::move(made).error();
      unavailable_.push_back(fmt::format("{}: {}", name_of(compute), made.error().message));
    }
    return {};
  }

  Status start_servers(const std::string& directory) {
    const ServerSetting setting{.executable = options_.llama_server,
                                .features = options_.features,
                                .model_path = path_,
                                .model = model_,
                                .directory = directory,
                                .threads = options_.threads};
    std::vector<FlagSet> sets = make_flag_sets(setting);
    if (!options_.only_sets.empty()) {
      std::erase_if(sets, [this](const FlagSet& set) {
        return std::ranges::find(options_.only_sets, set.name) == options_.only_sets.end();
      });
    }
    sets.insert(sets.end(), options_.more_sets.begin(), options_.more_sets.end());
    for (const FlagSet& set : sets) {
      fmt::print(stderr, "{}: starting llama-server, {}\n", type_, set.name);
      TRY_ASSIGN(auto server, start_server(setting, set));
      entries_.push_back({.contender = std::move(server)});
    }
    return {};
  }

  Status start_rivals_in(const std::string& directory) {
    if (options_.rivals.empty()) return {};
    TRY_ASSIGN(Rivals rivals, start_rivals({.python = options_.rival_python,
                                            .script = options_.rival_script,
                                            .model = options_.rivals,
                                            .directory = directory,
                                            .threads = options_.threads}));
    for (auto& rival : rivals.started) entries_.push_back({.contender = std::move(rival)});
    for (const std::string& each : rivals.unavailable) {
      fmt::print(stderr, "runed: LEFT OUT: bench_compare: {}\n", each);
      unavailable_.push_back(each);
    }
    return {};
  }

  // The vectors that the others are compared with: those of the native engine in f32; of a model that it
  // does not serve, those of the first rival.
  Status compute_reference() {
    const std::string& path = options_.reference.empty() ? path_ : options_.reference;
    auto native = make_native(path, NumberFormat::f32, options_.threads, clock_);
    if (native) return compute_reference_by(**native);
    const auto rival = std::ranges::find(
        entries_, Engine::rival, [](const Entry& each) { return each.contender->engine(); });
    if (rival == entries_.end()) return std::move(native).error();
    unavailable_.push_back(
        fmt::format("the reference of the native engine, in whose place it is {}: {}",
                    rival->contender->name(), native.error().message));
    return compute_reference_by(*rival->contender);
  }

  Status compute_reference_by(Contender& contender) {
    contender.begin_turn();
    for (size_t i = 0; i < workloads_.size(); ++i) {
      Cost cost;
      TRY_ASSIGN(auto vectors, contender.embed(texts_of(0, i, 0), cost));
      reference_.push_back(std::move(vectors));
    }
    contender.end_turn();
    return {};
  }

  Texts texts_of(unsigned round, size_t workload, uint32_t repeat) const {
    return make_texts(workloads_[workload], source_,
                      (uint64_t{round} << 16 | workload << 12) + repeat);
  }

  std::vector<int> children() const {
    std::vector<int> pids;
    for (const Entry& entry : entries_) {
      if (entry.contender->pid() > 0) pids.push_back(entry.contender->pid());
    }
    return pids;
  }

  // All take turns in each workload, another one first in each round.
  Status run_round(unsigned round) {
    for (size_t workload = 0; workload < workloads_.size(); ++workload) {
      fmt::print(stderr, "{}: round {}, {}\n", type_, round + 1, workloads_[workload].name);
      for (size_t i = 0; i < entries_.size(); ++i) {
        Entry& entry = entries_[(i + round) % entries_.size()];
        if (!entry.is_dropped) TRY(take_turn(entry, round, workload));
      }
    }
    return {};
  }

  // The first query of a turn finds cold caches and, maybe, threads that have to wake up.
  Status take_turn(Entry& entry, unsigned round, size_t workload) {
    Contender& contender = *entry.contender;
    Entry::Samples& samples = entry.samples[workload];
    Cost cost;
    contender.begin_turn();
    const Texts warm_up = make_texts(workloads_.front(), source_, kWarmUpSeed + warm_ups_++);
    TRY_ASSIGN(const auto ignored, contender.embed(warm_up, cost));
    for (uint32_t repeat = 0; repeat < workloads_[workload].repeats; ++repeat) {
      const Texts texts = texts_of(round, workload, repeat);
      std::this_thread::sleep_for(workloads_[workload].idle);
      TRY_ASSIGN(const auto vectors, contender.embed(texts, cost));
      samples.wall_ms.push_back(cost.wall_ms);
      samples.cpu_ms.push_back(cost.cpu_ms);
      if (round > 0 || repeat > 0) continue;
      samples.cosine = least_cosine(vectors, reference_[workload], workloads_[workload].texts);
      require(samples.cosine > kLeastCosine || contender.engine() == Engine::rival,
              fmt::format("{}, {}: a cosine of {:.4f} to f32: this is another vector",
                          contender.name(), workloads_[workload].name, samples.cosine));
    }
    entry.own_bytes = std::max(entry.own_bytes, contender.own_bytes());
    contender.end_turn();
    return {};
  }

  // Flags that are far from the best in every workload would only take time. What is compared by
  // name stays.
  void drop_the_slow() {
    std::vector<double> best(workloads_.size(), INFINITY);
    for (const Entry& entry : entries_) {
      if (entry.contender->engine() != Engine::llama_server) continue;
      for (size_t i = 0; i < best.size(); ++i) {
        best[i] = std::min(best[i], median(entry.samples[i].wall_ms));
      }
    }
    for (Entry& entry : entries_) {
      const std::string& name = entry.contender->name();
      if (entry.contender->engine() != Engine::llama_server || name.ends_with("defaults") ||
          name.ends_with("predecessor")) {
        continue;
      }
      entry.is_dropped = true;
      for (size_t i = 0; i < best.size(); ++i) {
        if (median(entry.samples[i].wall_ms) <= options_.drop_beyond * best[i]) {
          entry.is_dropped = false;
        }
      }
      if (entry.is_dropped) fmt::print(stderr, "{}: {} is asked no more\n", type_, name);
    }
  }

  Json tell() const {
    Json contenders = Json::array();
    for (const Entry& entry : entries_) {
      Json workloads = Json::array();
      for (size_t i = 0; i < workloads_.size(); ++i) {
        const Entry::Samples& samples = entry.samples[i];
        workloads.push_back({{"name", workloads_[i].name},
                             {"tokens", workloads_[i].tokens()},
                             {"texts", workloads_[i].texts},
                             {"wall_ms_median", median(samples.wall_ms)},
                             {"cpu_ms_median", median(samples.cpu_ms)},
                             {"least_cosine", samples.cosine},
                             {"wall_ms", samples.wall_ms},
                             {"cpu_ms", samples.cpu_ms}});
      }
      contenders.push_back({{"name", entry.contender->name()},
                            {"engine", name_of(entry.contender->engine())},
                            {"flags", entry.contender->flags()},
                            {"own_bytes", entry.own_bytes},
                            {"workloads", std::move(workloads)}});
    }
    return {{"name", std::filesystem::path(path_).filename().string()},
            {"type", type_},
            {"bytes", file_->bytes().size()},
            {"unavailable", unavailable_},
            {"contenders", std::move(contenders)}};
  }

  const RunOptions& options_;
  const std::string path_;
  const SystemClock clock_;
  std::shared_ptr<const embed::ModelFile> file_;
  std::string type_;
  embed::llama_server::ModelDescription model_;
  TextSource source_;
  std::vector<Workload> workloads_;
  std::vector<Entry> entries_;
  std::vector<std::string> unavailable_;
  std::vector<std::vector<float>> reference_;  // For each workload.
  uint64_t warm_ups_ = 0;
};

}  // namespace

Result<Json> measure_model(const RunOptions& options, const std::string& path) {
  return Comparison(options, path).run();
}

}  // namespace runed::bench
