#include "daemon/life/shutdown_watch.hpp"

#include <csignal>
#include <future>

#include "base/clock.hpp"
#include "os/process/process.hpp"
#include "support/catch.hpp"
#include "support/result_matchers.hpp"

using runed::Log;
using runed::SystemClock;
using runed::daemon::ShutdownWatch;
using runed::os::SignalWatcher;
using runed::test::unwrap;
using namespace std::chrono_literals;

namespace {

// The watch's own call, instead of the end of this process.
class Stage {
 public:
  SignalWatcher signals;
  SystemClock clock;
  Log log{Log::Format::json, clock};
  std::promise<int> ended;
  ShutdownWatch watch{signals, log, [this](int exit_code) { ended.set_value(exit_code); }};

  int wait_for_end() {
    auto end = ended.get_future();
    REQUIRE(end.wait_for(10s) == std::future_status::ready);
    return end.get();
  }
};

}  // namespace

TEST_CASE("a step that takes too long ends the process", "[shutdown_watch]") {
  Stage stage;
  stage.watch.begin(7);
  stage.watch.begin_step("a long one", 1h);
  stage.watch.begin_step("a short one", 1ms);
  CHECK(stage.wait_for_end() == 7);
}

TEST_CASE("a signal during the shutdown ends the process at once", "[shutdown_watch]") {
  Stage stage;
  stage.watch.begin(0);
  stage.watch.begin_step("a long one", 1h);
  unwrap(runed::os::signal_process(runed::os::process_id(), SIGTERM));
  CHECK(stage.wait_for_end() == 128 + SIGTERM);
}

TEST_CASE("before it begins, signals are left to others", "[shutdown_watch]") {
  Stage stage;
  unwrap(runed::os::signal_process(runed::os::process_id(), SIGTERM));
  CHECK(stage.signals.wait(10s) == SIGTERM);
}
