#include "os/process/signals.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include "support/catch.hpp"

using namespace std::chrono_literals;

TEST_CASE("signals arrive as values, each once") {
  runed::os::SignalWatcher signals;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    REQUIRE(::kill(::getpid(), signal) == 0);
    CHECK(signals.wait(10s) == signal);
  }
  CHECK_FALSE(signals.wait(0ms).has_value());
}

TEST_CASE("a wake from another thread ends the wait, once") {
  runed::os::SignalWatcher signals;
  const auto start = std::chrono::steady_clock::now();
  std::thread waker([&signals] { signals.wake(); });
  CHECK_FALSE(signals.wait(60s).has_value());
  waker.join();
  CHECK(std::chrono::steady_clock::now() - start < 30s);
  CHECK_FALSE(signals.wait(0ms).has_value());
}

TEST_CASE("a wake does not hide a signal") {
  runed::os::SignalWatcher signals;
  signals.wake();
  REQUIRE(::kill(::getpid(), SIGTERM) == 0);
  CHECK(signals.wait(10s) == SIGTERM);
}

TEST_CASE("writing to a closed pipe is an error once SIGPIPE is ignored") {
  runed::os::ignore_sigpipe();
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const runed::os::Fd writer(ends[1]);
  runed::os::Fd(ends[0]).close();
  CHECK(::write(writer.get(), "x", 1) == -1);
  CHECK(errno == EPIPE);
}

TEST_CASE("signals have their names") {
  CHECK(runed::os::signal_name(SIGTERM) == "SIGTERM");
  CHECK(runed::os::signal_name(SIGKILL) == "SIGKILL");
  CHECK(runed::os::signal_name(999) == "signal 999");
}
