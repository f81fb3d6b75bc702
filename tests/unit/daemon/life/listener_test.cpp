#include "daemon/life/listener.hpp"

#include <filesystem>
#include <future>

#include "os/process/process.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::daemon::Listener;
using runed::os::dial_unix;
using runed::os::Fd;
using runed::os::UnixListener;
using runed::test::TempDir;
using runed::test::unwrap;
using namespace std::chrono_literals;

TEST_CASE("a connection of our own user is handed on") {
  const TempDir dir;
  const runed::SystemClock clock;
  runed::Log log(runed::Log::Format::json, clock);
  std::promise<int> peer_pid;
  Listener listener(
      unwrap(UnixListener::listen(dir / "d.sock")), log,
      {.on_connection =
           [&](Fd connection) {
             peer_pid.set_value(unwrap(runed::os::peer_credentials(connection.get())).pid);
           },
       .on_evicted = [] {}});
  const Fd connection = unwrap(dial_unix(dir / "d.sock", 2s));
  auto handed = peer_pid.get_future();
  REQUIRE(handed.wait_for(5s) == std::future_status::ready);
  CHECK(handed.get() == runed::os::process_id());
}

TEST_CASE("closing unlinks the path and refuses new connections") {
  const TempDir dir;
  const runed::SystemClock clock;
  runed::Log log(runed::Log::Format::json, clock);
  Listener listener(unwrap(UnixListener::listen(dir / "d.sock")), log,
                    {.on_connection = [](Fd) {}, .on_evicted = [] {}});
  listener.close();
  listener.close();
  CHECK_FALSE(std::filesystem::exists(dir / "d.sock"));
}

TEST_CASE("a daemon whose socket was replaced learns it, and leaves the new one alone") {
  const TempDir dir;
  const runed::SystemClock clock;
  runed::Log log(runed::Log::Format::json, clock);
  std::promise<void> evicted;
  Listener listener(unwrap(UnixListener::listen(dir / "d.sock")), log,
                    {.on_connection = [](Fd) {}, .on_evicted = [&] { evicted.set_value(); }});
  std::filesystem::remove(dir / "d.sock");
  const UnixListener successor = unwrap(UnixListener::listen(dir / "d.sock"));
  REQUIRE(evicted.get_future().wait_for(5s) == std::future_status::ready);
  listener.close();
  CHECK(std::filesystem::exists(dir / "d.sock"));
}
