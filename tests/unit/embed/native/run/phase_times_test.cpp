#include "embed/native/run/phase_times.hpp"

#include <numeric>
#include <vector>

#include "base/clock.hpp"
#include "embed/model/builtin_model.hpp"
#include "embed/native/native_engine.hpp"
#include "support/result_matchers.hpp"

using runed::SteadyTime;
using runed::SystemClock;
using runed::embed::builtin_model;
using runed::embed::builtin_model_sha256;
using runed::embed::TokenId;
using runed::embed::native::kPhaseNames;
using runed::embed::native::NativeEngine;
using runed::embed::native::PhaseTimes;
using runed::test::unwrap;

TEST_CASE("every phase of a pass takes time, and together no more than the pass") {
  const SystemClock clock;
  PhaseTimes times;
  const auto engine = unwrap(NativeEngine::create({.source = {builtin_model(), ""},
                                                   .sha256 = std::string(builtin_model_sha256()),
                                                   .threads = 2,
                                                   .phase_times = &times},
                                                  clock));
  unwrap(engine->start());
  std::vector<TokenId> ids(300);
  std::iota(ids.begin(), ids.end(), TokenId{7});
  std::vector<float> vector(engine->info().dimension);

  const SteadyTime begin = clock.steady_now();
  unwrap(engine->embed({ids, std::vector<uint32_t>{0, 300}}, vector));
  const auto elapsed = clock.steady_now() - begin;

  std::chrono::nanoseconds sum{};
  for (size_t phase = 0; phase < kPhaseNames.size(); ++phase) {
    INFO(kPhaseNames[phase]);
    CHECK(times.spent()[phase].count() > 0);
    sum += times.spent()[phase];
  }
  CHECK(sum <= elapsed);
  CHECK(sum > elapsed / 2);
}
