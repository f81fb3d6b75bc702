#include "os/net/wakeup.hpp"

#include <array>

#include "os/net/poll.hpp"
#include "support/catch.hpp"

using runed::os::wait_readable;
using runed::os::Wakeup;
using namespace std::chrono_literals;

TEST_CASE("a wakeup is readable from its notification until it is cleared") {
  Wakeup wakeup;
  CHECK_FALSE(wait_readable(wakeup.fd(), 0ms));
  wakeup.notify();
  wakeup.notify();
  CHECK(wait_readable(wakeup.fd(), std::nullopt));
  wakeup.clear();
  CHECK_FALSE(wait_readable(wakeup.fd(), 0ms));
  wakeup.clear();
  CHECK_FALSE(wait_readable(wakeup.fd(), 0ms));
}

TEST_CASE("waiting for several descriptors ends with the first") {
  Wakeup quiet;
  Wakeup loud;
  loud.notify();
  CHECK(wait_readable(std::array{quiet.fd(), loud.fd()}, std::chrono::milliseconds::max()));
}

TEST_CASE("waiting lasts as long as its timeout") {
  const Wakeup wakeup;
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(wait_readable(wakeup.fd(), 20ms));
  CHECK(std::chrono::steady_clock::now() - start >= 20ms);
}
