#include "daemon/models/model_loader.hpp"

#include "bootstrap/use/model_choice.hpp"
#include "engine_fixture.hpp"

using runed::ErrorCode;
using runed::bootstrap::EngineKind;
using runed::bootstrap::Origin;
using runed::daemon::Phase;
using runed::daemon::State;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

struct Fixture : runed::test::EngineFixture {
  auto make(const std::function<bool()>& is_stopping = [] { return false; }) {
    const auto maker = runed::daemon::make_model_loader(
        {.paths = paths,
         .settings = settings,
         .model = {.variant = "builtin:runed-mini"},
         .environment = environment,
         .policy = {},
         .gpu_probe = {.has_device = [] { return false; }, .find_usable = {}}},
        clock, log);
    return maker(state, is_stopping);
  }

  runed::Log log{runed::Log::Format::json, clock};
  State state{clock, {}};
};

}  // namespace

TEST_CASE("the engine that was made is told with its reason") {
  Fixture fixture;
  CHECK(fixture.state.engine_reason().empty());
  const auto engine = unwrap(fixture.make());
  CHECK(fixture.state.engine_reason() == "it can serve this model");
  CHECK(fixture.state.variant() == "builtin:runed-mini");
  unwrap(engine->start());
  CHECK(engine->info().engine == "native");
}

TEST_CASE("a llama-server that is missing is fetched in a phase of its own") {
  Fixture fixture;
  fixture.settings.engine = {EngineKind::llama_server, Origin::environment};
  static_cast<void>(fixture.make());  // The script is no llama-server.
  CHECK(fixture.state.engine_reason() == "RUNED_ENGINE says so");
  CHECK(fixture.state.snapshot().phase == Phase::fetching_llama_server);
  CHECK(fixture.state.snapshot().message == "fetching llama-server");
  CHECK(std::filesystem::exists(fixture.paths.llama_cpp_dir + "/llama-server"));
}

TEST_CASE("a daemon that is told to stop fetches no llama-server") {
  Fixture fixture;
  fixture.settings.engine = {EngineKind::llama_server, Origin::environment};
  CHECK(unwrap_error(fixture.make([] { return true; })).code == ErrorCode::cancelled);
  CHECK_FALSE(std::filesystem::exists(fixture.paths.llama_cpp_dir + "/llama-server"));
}
