#include "os/process/process_setup.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "os/net/poll.hpp"
#include "os/process/process.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::test::TempDir;
using runed::test::unwrap;
namespace fs = std::filesystem;
namespace os = runed::os;

TEST_CASE("the working directory is left, and what was relative to it stays where it was") {
  const fs::path before = fs::current_path();
  const mode_t mask = ::umask(0022);
  {
    const TempDir dir;
    fs::current_path(dir.path());
    ::setenv("SSL_CERT_FILE", "ca.pem", 1);
    ::setenv("LD_LIBRARY_PATH", "lib:/usr/lib", 1);
    os::leave_working_directory();
    CHECK(fs::current_path() == "/");
    CHECK(::umask(0077) == 0077);
    CHECK(os::environment_variable("SSL_CERT_FILE") == dir / "ca.pem");
    CHECK(os::environment_variable("LD_LIBRARY_PATH") == dir / "lib" + ":/usr/lib");
  }
  ::unsetenv("SSL_CERT_FILE");
  ::unsetenv("LD_LIBRARY_PATH");
  ::umask(mask);
  fs::current_path(before);
}

TEST_CASE("soft limits, affinity and signals of another's are shed") {
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  const rlimit low{.rlim_cur = 64, .rlim_max = files.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  cpu_set_t before;
  REQUIRE(::sched_getaffinity(0, sizeof(before), &before) == 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  REQUIRE(::sched_setaffinity(0, sizeof(one), &one) == 0);
  std::signal(SIGUSR1, SIG_IGN);
  sigset_t usr2;
  ::sigemptyset(&usr2);
  ::sigaddset(&usr2, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &usr2, nullptr);

  os::shed_inheritance();

  rlimit now{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == files.rlim_max);
  cpu_set_t after;
  REQUIRE(::sched_getaffinity(0, sizeof(after), &after) == 0);
  CHECK(CPU_COUNT(&after) >= CPU_COUNT(&before));
  CHECK(std::signal(SIGUSR1, SIG_DFL) == SIG_DFL);
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  CHECK(::sigismember(&mask, SIGUSR2) == 0);
  REQUIRE(::sched_setaffinity(0, sizeof(before), &before) == 0);
}

TEST_CASE("standard input is taken away, open or closed") {
  os::Pipe pipe = unwrap(os::open_pipe());
  const os::Fd before(::fcntl(0, F_DUPFD_CLOEXEC, 3));
  REQUIRE(::dup2(pipe.reader.get(), 0) == 0);
  pipe.reader.close();
  {
    const os::Fd taken = os::take_stdin();
    CHECK_FALSE(os::is_hung_up(taken.get()));
    pipe.writer.close();
    CHECK(os::is_hung_up(taken.get()));
    CHECK_FALSE(os::is_hung_up(0));
  }
  ::close(0);
  const os::Fd none = os::take_stdin();
  CHECK_FALSE(none.is_open());
  CHECK_FALSE(os::is_hung_up(none.get()));
  char byte = 0;
  CHECK(::read(0, &byte, 1) == 0);  // It is open, and empty.
  if (before.is_open()) ::dup2(before.get(), 0);
}
