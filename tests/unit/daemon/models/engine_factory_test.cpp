#include "daemon/models/engine_factory.hpp"

#include <algorithm>

#include "engine_fixture.hpp"
#include "support/stand_in.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::bootstrap::EngineKind;
using runed::bootstrap::NumberFormat;
using runed::bootstrap::Origin;
using runed::daemon::check_engine;
using runed::daemon::make_direct_engine;
using runed::test::EngineFixture;
using runed::test::read_record;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_stand_in;
using runed::test::write_text;

namespace {

auto entries_of(const std::string& directory) {
  const std::filesystem::directory_iterator entries(directory);
  return std::distance(begin(entries), end(entries));
}

}  // namespace

TEST_CASE("what cannot be is refused before anything is fetched") {
  EngineFixture fixture;
  const auto refusal = [&] {
    return unwrap_error(check_engine(fixture.paths, fixture.settings, fixture.environment));
  };
  unwrap(check_engine(fixture.paths, fixture.settings, fixture.environment));
  fixture.settings.cpu = {"sse2", Origin::flag};
  CHECK(refusal().code == ErrorCode::bad_config);
  fixture.settings.cpu = {"portable", Origin::flag};
  fixture.settings.compute = {NumberFormat::int8, Origin::flag};
  CHECK(refusal().code == ErrorCode::bad_config);
  CHECK(refusal().message == "the portable kernel does not compute in int8");
  fixture.settings.cpu = {};
  fixture.settings.compute = {};

  fixture.settings.llama_server = {"/no/such", Origin::environment};
  CHECK(refusal().message == "RUNED_LLAMA_SERVER names '/no/such', which is not there");
  fixture.settings.engine = {EngineKind::native, Origin::flag};
  unwrap(check_engine(fixture.paths, fixture.settings, fixture.environment));

  fixture.settings.llama_server = {};
  fixture.settings.engine = {EngineKind::llama_server, Origin::flag};
  unwrap(check_engine(fixture.paths, fixture.settings, fixture.environment));
  write_text(fixture.dir / "manifest.json", R"({"version":1})");
  CHECK(refusal().message.find("has no llama_server for") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(fixture.paths.home));
}

TEST_CASE("a native engine of one command leaves no trace") {
  const EngineFixture fixture;
  const auto direct = unwrap(make_direct_engine(
      fixture.paths, fixture.settings, fixture.environment, fixture.builtin, fixture.clock));
  CHECK_FALSE(direct.places.has_value());
  unwrap(direct.engine->start());
  CHECK(direct.engine->info().engine == "native");
  CHECK(direct.engine->info().version.empty());
  CHECK_FALSE(std::filesystem::exists(fixture.paths.home));
}

TEST_CASE("the native engine computes in the mode that is set, and says so") {
  EngineFixture fixture;
  fixture.settings.compute = {NumberFormat::f32, Origin::flag};
  const auto direct = unwrap(make_direct_engine(
      fixture.paths, fixture.settings, fixture.environment, fixture.builtin, fixture.clock));
  unwrap(direct.engine->start());
  CHECK(direct.engine->info().compute == "f32");
}

TEST_CASE("both engines get the number of threads that is set") {
  EngineFixture fixture;
  fixture.settings.threads = {5, Origin::flag};
  const auto before = entries_of("/proc/self/task");
  {
    const auto native = unwrap(make_direct_engine(
        fixture.paths, fixture.settings, fixture.environment, fixture.builtin, fixture.clock));
    CHECK(entries_of("/proc/self/task") - before == 4);  // The caller is the fifth.
  }
  const std::string record = fixture.dir / "record";
  const auto program =
      write_stand_in(fixture.dir / "my-server", {"dimension=256", "record=" + record});
  fixture.settings.llama_server = {program, Origin::environment};
  const auto server = unwrap(make_direct_engine(
      fixture.paths, fixture.settings, fixture.environment, fixture.builtin, fixture.clock));
  unwrap_error(server.engine->start());  // It only plays the model.
  const auto starts = read_record(record).starts;
  REQUIRE_FALSE(starts.empty());
  const auto arguments = starts.back()["arguments"].get<std::vector<std::string>>();
  const auto flag = std::ranges::find(arguments, "--threads");
  REQUIRE(std::distance(flag, arguments.end()) > 1);
  CHECK(*std::next(flag) == "5");
}

TEST_CASE("a llama-server of one command has places of its own, and leaves none behind") {
  EngineFixture fixture;
  const auto program = write_stand_in(fixture.dir / "my-server", {"dimension=256"});
  fixture.settings.llama_server = {program, Origin::environment};
  unwrap(runed::bootstrap::make_directories(fixture.paths));
  // The daemon's.
  write_text(fixture.paths.builtin_model_copy, "GGUF");
  write_text(fixture.paths.llama_server_log, "log\n");
  {
    const auto direct = unwrap(make_direct_engine(
        fixture.paths, fixture.settings, fixture.environment, fixture.builtin, fixture.clock));
    // It was started and asked, but only plays the model.
    const Error error = unwrap_error(direct.engine->start());
    CHECK(error.code == ErrorCode::engine_fault);
    CHECK(error.message.find("disagree on this model") != std::string::npos);
    REQUIRE(direct.places.has_value());
    for (const char* file : {"model.gguf", "llama-server.log"}) {
      CHECK(std::filesystem::exists(direct.places->path() + "/" + file));
    }
    CHECK(entries_of(fixture.paths.cache_dir) == 2);
  }
  CHECK(entries_of(fixture.paths.cache_dir) == 1);
  CHECK(runed::test::read_text(fixture.paths.builtin_model_copy) == "GGUF");
  CHECK(runed::test::read_text(fixture.paths.llama_server_log) == "log\n");
}

TEST_CASE("a command fetches no llama-server, but says how to get one") {
  EngineFixture fixture;
  fixture.settings.engine = {EngineKind::llama_server, Origin::flag};
  const auto error = unwrap_error(make_direct_engine(
      fixture.paths, fixture.settings, fixture.environment, fixture.builtin, fixture.clock));
  CHECK(error.message == "no llama-server is installed");
  CHECK(error.hint.find("runed install --engine-only") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(fixture.paths.llama_cpp_dir + "/llama-server"));
}
