#include "engine_load.hpp"

#include <algorithm>

#include "bench.hpp"
#include "os/machine/memory.hpp"
#include "os/process/process.hpp"

namespace runed::bench {
namespace {

constexpr int kRounds = 9;
constexpr uint32_t kQueryTokens = 12;
constexpr uint32_t kPassTokens = 2048;

int64_t private_bytes() {
  return static_cast<int64_t>(os::anonymous_bytes_of(os::process_id()));
}

// One text, or several where the model takes fewer tokens.
std::vector<uint32_t> pass_lengths(const Model& model) {
  const uint32_t longest = std::min(model.spec.longest_text(), kPassTokens);
  return std::vector<uint32_t>(kPassTokens / longest, longest);
}

}  // namespace

LoadTimes measure_load(const Model& model, const Mode& mode, uint32_t threads) {
  const std::vector<embed::PreparedText> query = random_texts(model, {kQueryTokens});
  std::vector<double> fresh;
  std::vector<double> restart;
  std::vector<double> first;
  std::vector<double> warm;
  for (int round = 0; round < kRounds; ++round) {
    const auto engine = make_engine_of(model, mode, threads);
    const auto start = [&] { value(engine->start()); };
    const auto pass = [&] { value(embed::embed_all(*engine, query)); };
    fresh.push_back(milliseconds_of(start));
    pass();
    engine->stop();
    restart.push_back(milliseconds_of(start));
    first.push_back(milliseconds_of(pass));
    warm.push_back(milliseconds_of(pass));
  }
  return {median(fresh), median(restart), median(first), median(warm)};
}

PrivateMemory measure_memory(const Model& model, const Mode& mode, uint32_t threads) {
  const std::vector<embed::PreparedText> texts = random_texts(model, pass_lengths(model));
  os::trim_heap();
  const int64_t floor = private_bytes();
  const auto since = [&] { return private_bytes() - floor; };
  PrivateMemory memory{.floor = floor};
  const auto engine = make_engine_of(model, mode, threads);
  memory.idle = since();
  value(engine->start());
  memory.started = since();
  value(embed::embed_all(*engine, texts));
  memory.after_pass = since();
  engine->stop();
  memory.stopped = since();
  return memory;
}

}  // namespace runed::bench
