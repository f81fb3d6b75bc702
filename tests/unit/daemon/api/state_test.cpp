#include "daemon/api/state.hpp"

#include <vector>

#include "support/catch.hpp"

using runed::daemon::Phase;
using runed::daemon::Serving;
using runed::daemon::State;
using runed::daemon::StateSnapshot;

TEST_CASE("a change is told once, with the new state") {
  const runed::SystemClock clock;
  std::vector<Serving> told;
  State state(clock, [&](Serving serving) { told.push_back(serving); });
  state.loading(Phase::fetching_model, "fetching");
  state.ok();
  state.ok();
  state.idle("after idle to free memory");
  CHECK(told == std::vector<Serving>{Serving::ok, Serving::idle});
  CHECK(state.snapshot().message.find("resumes") != std::string::npos);
}

TEST_CASE("loading tells its phase, and a ready daemon forgets it") {
  const runed::SystemClock clock;
  State state(clock, {});
  state.loading(Phase::fetching_model, "fetching embedding model");
  CHECK(state.snapshot().phase == Phase::fetching_model);
  CHECK(state.snapshot().message == "fetching embedding model");
  state.ok();
  CHECK(state.snapshot().phase == Phase::none);
  CHECK(state.snapshot().message.empty());
}

TEST_CASE("the reason of the engine is kept through every state") {
  const runed::SystemClock clock;
  State state(clock, {});
  CHECK(state.engine_reason().empty());
  state.set_engine_reason("it can serve this model");
  state.ok();
  state.idle("after idle to free memory");
  CHECK(state.engine_reason() == "it can serve this model");
}

TEST_CASE("shutting down is final and keeps its reason") {
  const runed::SystemClock clock;
  State state(clock, {});
  state.shutting_down(runed::make_error(runed::ErrorCode::model_corrupt, "not a GGUF file"));
  state.ok();
  const StateSnapshot snapshot = state.snapshot();
  CHECK(snapshot.serving == Serving::shutting_down);
  CHECK(snapshot.reason == runed::ErrorCode::model_corrupt);
  CHECK(snapshot.message == "not a GGUF file");
}
