#include <fmt/format.h>

#include <thread>

#include "bench.hpp"
#include "compare_contender.hpp"
#include "compare_foreign.hpp"
#include "embed/native/native_engine.hpp"
#include "os/file/files.hpp"

namespace runed::bench {
namespace {

using embed::native::NativeEngine;
using embed::native::NumberFormat;

// By then the workers have given up waiting for more.
constexpr std::chrono::milliseconds kUntilIdle{20};

class NativeContender final : public Contender {
 public:
  NativeContender(std::string name, std::string flags, std::unique_ptr<NativeEngine> engine)
      : Contender(std::move(name), std::move(flags), Engine::runed), engine_(std::move(engine)) {}

  void begin_turn() override {}
  void end_turn() override { std::this_thread::sleep_for(kUntilIdle); }

  Result<std::vector<float>> embed(const Texts& texts, Cost& cost) override {
    std::vector<float> vectors((texts.offsets.size() - 1) * engine_->info().dimension);
    const double cpu = exact_cpu_ms(0);
    const auto begin = std::chrono::steady_clock::now();
    TRY(engine_->embed(texts.batch(), vectors));
    cost = {.wall_ms = milliseconds_since(begin), .cpu_ms = exact_cpu_ms(0) - cpu};
    return vectors;
  }

 private:
  const std::unique_ptr<NativeEngine> engine_;
};

}  // namespace

std::string_view name_of(Engine engine) {
  if (engine == Engine::runed) return "runed";
  return engine == Engine::llama_server ? "llama-server" : "rival";
}

Result<std::unique_ptr<Contender>> make_native(const std::string& model, NumberFormat compute,
                                               unsigned threads, const Clock& clock) {
  TRY_ASSIGN(const os::FileIdentity file, os::file_identity(model));
  // Nobody asks for the digest, and computing it takes seconds.
  TRY_ASSIGN(auto engine, NativeEngine::create({.source = {.path = model},
                                                .sha256 = std::string(64, '0'),
                                                .file = file,
                                                .threads = threads,
                                                .compute = compute},
                                               clock));
  TRY(engine->start());
  const embed::ModelInfo& info = engine->info();
  if (compute != NumberFormat::automatic && info.compute != name_of(compute)) {
    return make_error(ErrorCode::invalid_argument, "this engine computes in {}", info.compute);
  }
  std::string name = fmt::format("runed {}", info.compute);
  std::string flags = fmt::format("--compute {} --threads {}: {} on {}", name_of(compute), threads,
                                  info.compute, info.kernel);
  return std::make_unique<NativeContender>(std::move(name), std::move(flags), std::move(engine));
}

}  // namespace runed::bench
