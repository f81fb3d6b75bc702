// What goes wrong with a llama-server, and what its engine says of it.

#include <csignal>
#include <thread>

#include "native_reference.hpp"
#include "os/file/files.hpp"
#include "stage.hpp"
#include "support/eventually.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::test::contains;
using runed::test::eventually;
using runed::test::is_gone;
using runed::test::read_record;
using runed::test::Stage;
using runed::test::unwrap;
using runed::test::unwrap_error;
using std::chrono::milliseconds;

namespace {

constexpr uint32_t kDimension = Stage::kDimension;

}  // namespace

TEST_CASE("starts that fail say why, and leave no process") {
  struct Case {
    std::string mode;
    ErrorCode code;
    std::string message;
  };
  const std::vector<Case> cases{
      {"never-opens-socket", ErrorCode::engine_died, "llama-server does not open its socket"},
      {"never-healthy", ErrorCode::engine_died, "llama-server does not become ready"},
      {"exits-at-once=3", ErrorCode::engine_died, "llama-server exited with code 3"},
      {"exits-at-once=0", ErrorCode::engine_died, "llama-server exited with code 0 before it was"},
      {"garbage", ErrorCode::engine_fault, "llama-server answered what cannot be read: "},
      {"cut-body", ErrorCode::engine_fault, "llama-server broke its answer off"},
      {"endless-body", ErrorCode::engine_fault, "llama-server broke its answer off: more than"},
      {"nan", ErrorCode::not_finite, "the vector of text 0 is not finite"},
      {"zero-vector", ErrorCode::engine_fault, "a vector of length 0 where 1 was expected"},
      {"wrong-norm", ErrorCode::engine_fault, "a vector of length 3 where 1 was expected"},
      {"too-few", ErrorCode::engine_fault, "0 vectors for 1 texts"},
      {"wrong-dimension", ErrorCode::engine_fault, "a vector of 257 floats where 256"},
      {"status=500", ErrorCode::engine_fault, "llama-server answered HTTP 500: "},
      {"hang-but-healthy", ErrorCode::engine_died, "llama-server hangs"},
      {"crash-on-request=1", ErrorCode::engine_died, "llama-server was killed by SIGABRT"},
  };
  for (const auto& [mode, code, message] : cases) {
    CAPTURE(mode);
    Stage stage({mode});
    stage.options.patience.listen = milliseconds(500);
    stage.options.patience.load = milliseconds(1000);
    stage.options.patience.answer = {.silence = milliseconds(500),
                                     .pass = milliseconds(1500),
                                     .pass_per_token = milliseconds(0)};
    const Error error = unwrap_error(stage.make().start());
    CHECK(error.code == code);
    CAPTURE(error.message);
    CHECK(contains(error.message, message));
    CHECK(is_gone(stage.last_pid()));
    CHECK_FALSE(runed::os::exists(stage.options.socket_path));
    CHECK(stage.engine->tokenizer() == nullptr);
  }
}

TEST_CASE("a server whose vectors are not the model's is found out before it is ready") {
  Stage stage({});
  stage.options.make_reference = runed::test::native_reference(stage.clock);
  const Error error = unwrap_error(stage.make().start());
  CHECK(error.code == ErrorCode::engine_fault);
  CHECK(contains(error.message, "llama-server and the native engine disagree on this model"));
  CHECK(is_gone(stage.last_pid()));
}

TEST_CASE("a server that ends is quoted, and its last lines are kept") {
  Stage stage({"exits-at-once=3"});
  const Error error = unwrap_error(stage.make().start());
  CHECK(contains(error.message, "llama-server exited with code 3 before it was ready: "));
  CHECK(error.hint == "see '" + stage.dir / "server.log" + "'");
  CHECK(contains(stage.crash_copy(), "exited with code 3"));
}

TEST_CASE("a line of ten megabytes does not stop a server") {
  Stage stage({"prints-long-line=10000000"});
  stage.start();
  CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
}

TEST_CASE("a fault of one text leaves the server running") {
  Stage stage({"status-on-token=7"});
  stage.start();
  CHECK(unwrap_error(stage.embed({{1}, {7}})).code == ErrorCode::engine_fault);
  CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
  CHECK(stage.starts().size() == 1);
}

TEST_CASE("a vector that is not finite is never passed on") {
  Stage stage({"nan-on-token=7"});
  stage.start();
  const Error error = unwrap_error(stage.embed({{1}, {2}, {7}}));
  CHECK(error.code == ErrorCode::not_finite);
  CHECK(error.facts.text("index") == "2");
}

TEST_CASE("a server that crashes on a text has died, and can be started again") {
  for (const auto& [mode, signal, number] : {std::tuple{"crash-on-token=7", "SIGABRT", SIGABRT},
                                             std::tuple{"segv-on-token=7", "SIGSEGV", SIGSEGV}}) {
    CAPTURE(mode);
    Stage stage({mode});
    stage.start();
    const Error error = unwrap_error(stage.embed({{1}, {7}}));
    CHECK(error.code == ErrorCode::engine_died);
    CHECK(contains(error.message, fmt::format("llama-server was killed by {}", signal)));
    CHECK(error.facts.text("signal") == std::to_string(number));
    unwrap(stage.engine->start());
    CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
  }
}

TEST_CASE("a server that somebody else kills is told apart, and told at once") {
  Stage stage({});
  stage.start();
  for (const int signal : {SIGKILL, SIGTERM}) {
    CAPTURE(signal);
    const int deaths = stage.deaths;
    unwrap(runed::os::signal_process(stage.last_pid(), signal));
    REQUIRE(eventually([&] { return stage.deaths == deaths + 1; }));
    CHECK(unwrap_error(stage.embed({})).code == ErrorCode::engine_killed);
    unwrap(stage.engine->start());
    CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
  }
}

TEST_CASE("a server that is stopped while it computes has died") {
  Stage stage({"hang-but-healthy", "after=1"});
  stage.options.patience.answer.silence = milliseconds(2500);
  stage.start();
  std::jthread stopper([&] {
    if (eventually([&] { return read_record(stage.dir / "record").requests.size() > 2; })) {
      unwrap(runed::os::signal_process(stage.last_pid(), SIGSTOP));
    }
  });
  const Error error = unwrap_error(stage.embed({{1}}));
  CHECK(error.code == ErrorCode::engine_died);
  CHECK(contains(error.message, "llama-server hangs: it neither answers nor computes"));
  CHECK(is_gone(stage.last_pid()));
}

TEST_CASE("a server that is busy for longer than the limit of silence is left alone") {
  Stage stage({"slow=3000"});
  stage.options.patience.answer.silence = milliseconds(2000);
  stage.start();
  CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
}
