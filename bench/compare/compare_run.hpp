#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "compare_server.hpp"
#include "compare_workload.hpp"
#include "embed/native/gemm/number_format.hpp"

namespace runed::bench {

struct RunOptions {
  std::string llama_server;
  embed::llama_server::ServerFeatures features;
  unsigned threads = 2;
  unsigned rounds = 5;
  WorkloadOptions workloads{};
  std::string text{};          // A file to cut texts out of; empty: tokens are random.
  std::string reference{};     // Whose f32 vectors all are compared with; empty: the model's own.
  std::string rivals{};        // The same model as a Hugging Face directory; empty: no rivals.
  std::string rival_python{};  // Of the environment that get-rivals makes.
  std::string rival_script{};
  double drop_beyond = 0;                          // 0: nobody is dropped.
  std::vector<embed::native::NumberFormat> computes{};  // Of runed, one contender each.
  std::vector<std::string> only_sets{};            // Names of flag sets; none: all of them.
  std::vector<FlagSet> more_sets{};
};

/// Measures all contenders on one model, and returns every figure: {name, type, bytes,
/// foreign_cores, unavailable: [text], contenders: [{name, engine, flags, own_bytes,
///  workloads: [{name, tokens, texts, wall_ms: [..], cpu_ms: [..], wall_ms_median, cpu_ms_median,
///  least_cosine}]}]}. Progress goes to stderr.
/// Errors: what reading the model, starting a contender or a request can give.
Result<Json> measure_model(const RunOptions& options, const std::string& path);

}  // namespace runed::bench
