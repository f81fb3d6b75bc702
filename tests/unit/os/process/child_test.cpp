#include "os/process/child.hpp"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <future>
#include <thread>

#include "os/file/files.hpp"
#include "os/net/poll.hpp"
#include "os/net/wakeup.hpp"
#include "os/process/process.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::os::Child;
using runed::os::ChildOptions;
using runed::os::Fd;
using runed::test::eventually;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

ChildOptions shell(const std::string& script) {
  return {.arguments = {"/bin/sh", "-c", script}};
}

ChildOptions guarded(ChildOptions options) {
  options.dies_with_parent = true;
  return options;
}

// What a shell script prints.
std::string output_of(ChildOptions options) {
  runed::os::Pipe pipe = unwrap(runed::os::open_pipe());
  options.stdout_fd = pipe.writer.get();
  auto child = unwrap(Child::spawn(options));
  pipe.writer.close();
  std::string output = unwrap(runed::os::read_all(pipe.reader.get()));
  REQUIRE(unwrap(child.wait(10s)).has_value());
  return output;
}

bool is_alive(int pid) {
  return ::kill(pid, 0) == 0;
}

// The process id that a script writes into a file.
int read_pid(const std::string& path) {
  REQUIRE(eventually([&] { return runed::test::read_text(path).ends_with('\n'); }));
  return std::stoi(runed::test::read_text(path));
}

}  // namespace

TEST_CASE("a child's exit code and signal are told apart") {
  auto exited = unwrap(Child::spawn(shell("exit 3")));
  const auto status = unwrap(exited.wait(10s));
  REQUIRE(status.has_value());
  CHECK(status->describe() == "exited with code 3");
  CHECK(unwrap(exited.wait(0ms))->code == 3);
  auto killed = unwrap(Child::spawn(shell("kill -9 $$")));
  CHECK(unwrap(killed.wait(10s))->describe() == "was killed by SIGKILL");
}

TEST_CASE("waiting for a child ends with the timeout") {
  auto child = unwrap(Child::spawn(shell("exec sleep 60")));
  CHECK_FALSE(unwrap(child.wait(10ms)).has_value());
}

TEST_CASE("a program that cannot be started is an error with its path and the reason") {
  const TempDir dir;
  runed::test::write_text(dir / "data", "not a program");
  runed::test::write_text(dir / "closed", "#!/bin/sh\n");
  std::filesystem::permissions(dir / "data", std::filesystem::perms::owner_all);
  const bool dies_with_parent = GENERATE(false, true);
  const auto refusal = [&](const std::string& path) {
    return unwrap_error(
        Child::spawn({.arguments = {path, "x"}, .dies_with_parent = dies_with_parent}));
  };
  CHECK(refusal("/no/such/program").code == ErrorCode::not_found);
  CHECK(refusal("/no/such/program").message ==
        "cannot start '/no/such/program': no such file or directory");
  CHECK(refusal(dir / "closed").code == ErrorCode::permission_denied);
  CHECK(refusal(dir / "closed").message ==
        "cannot start '" + (dir / "closed") + "': permission denied");
  CHECK(refusal(dir / "data").code == ErrorCode::io);
  CHECK(refusal(dir / "data").message ==
        "cannot start '" + (dir / "data") + "': exec format error");
}

TEST_CASE("a child has the environment that it is given, or ours") {
  auto options = shell("echo \"$ONE,$HOME\"");
  options.dies_with_parent = GENERATE(false, true);
  options.environment = std::vector<std::string>{"ONE=1"};
  CHECK(output_of(options) == "1,\n");
  options.environment = std::vector<std::string>{};
  CHECK(output_of(options) == ",\n");
  ::setenv("ONE", "inherited", 1);
  options.environment.reset();
  CHECK(output_of(options).starts_with("inherited,"));
  ::unsetenv("ONE");
}

TEST_CASE("a child's environment holds exactly what it is given, also for one that dies with us") {
  // What our own executable must not be loaded with.
  ChildOptions options{.arguments = {"/usr/bin/env"},
                       .environment = {{"A=1", "LD_LIBRARY_PATH=/no/such/directory"}},
                       .dies_with_parent = GENERATE(false, true)};
  CHECK(output_of(options) == "A=1\nLD_LIBRARY_PATH=/no/such/directory\n");
}

TEST_CASE("a child reads nothing and has no descriptor of ours") {
  // Without O_CLOEXEC, as a library might open one.
  const Fd leaked(::dup(STDOUT_FILENO));
  auto options = shell("cat; ls /proc/self/fd | wc -l");
  options.dies_with_parent = GENERATE(false, true);
  CHECK(output_of(options) == "4\n");  // One is ls's own.
}

TEST_CASE("a child starts with no signal blocked or ignored") {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  auto* const handler = std::signal(SIGPIPE, SIG_IGN);
  auto options = shell("exec cat /proc/self/status");
  options.dies_with_parent = GENERATE(false, true);
  const std::string output = output_of(options);
  std::signal(SIGPIPE, handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const auto mask_of = [&output](const std::string& name) {
    // Up to 31: 32 and 33 are glibc's own, which it does not let anybody set.
    return std::stoull(output.substr(output.find(name) + name.size()), nullptr, 16) & 0x7fffffff;
  };
  CHECK(mask_of("SigBlk:") == 0);
  CHECK(mask_of("SigIgn:") == 0);
}

TEST_CASE("a child leads its own group, or its own session") {
  const bool dies_with_parent = GENERATE(false, true);
  const auto field = [dies_with_parent](ChildOptions::Group group, const char* number) {
    auto options =
        shell("[ $$ = $(cut -d' ' -f" + std::string(number) + " /proc/$$/stat) ] && echo yes");
    options.dies_with_parent = dies_with_parent;
    options.group = group;
    return output_of(options);
  };
  // Source: proc_pid_stat(5): field 5 is the group, field 6 the session.
  CHECK(field(ChildOptions::Group::own_group, "5") == "yes\n");
  CHECK(field(ChildOptions::Group::own_group, "6").empty());
  CHECK(field(ChildOptions::Group::own_session, "6") == "yes\n");
}

TEST_CASE("stopping lets a child end by itself, with its code") {
  const TempDir dir;
  auto child = unwrap(Child::spawn(
      shell("trap 'exit 7' TERM; echo $$ >" + (dir / "pid") + "; while :; do sleep 0.01; done")));
  read_pid(dir / "pid");
  CHECK(unwrap(child.stop(10s)).code == 7);
  CHECK(unwrap(child.stop(10s)).code == 7);
  CHECK(unwrap_error(child.signal_group(SIGTERM)).code == ErrorCode::not_found);
}

TEST_CASE("stopping kills a child that does not listen, and its own children with it") {
  const TempDir dir;
  auto child = unwrap(Child::spawn(
      shell("trap '' TERM; sleep 60 & echo $! >" + (dir / "pid") + "; while :; do wait; done")));
  const int grandchild = read_pid(dir / "pid");
  CHECK(unwrap(child.stop(10ms)).signal == SIGKILL);
  CHECK(eventually([&] { return runed::os::wait_for_exit(grandchild, 0ms); }));
}

TEST_CASE("a child that ends in time does not leave its children behind") {
  const TempDir dir;
  auto child = unwrap(Child::spawn(
      shell("(trap '' TERM; exec sleep 60) & echo $! >" + (dir / "pid") + "; exec sleep 60")));
  const int grandchild = read_pid(dir / "pid");
  CHECK(unwrap(child.stop(10s)).signal == SIGTERM);
  CHECK(eventually([&] { return runed::os::wait_for_exit(grandchild, 0ms); }));
}

TEST_CASE("a child does not outlive its owner") {
  int pid = 0;
  {
    const auto child = unwrap(Child::spawn(shell("exec sleep 60")));
    pid = child.pid();
    CHECK(is_alive(pid));
  }
  CHECK_FALSE(is_alive(pid));
}

// The parent of the next test, which runs it in a process of its own and kills it.
TEST_CASE("a parent that waits for its end", "[.]") {
  const auto path = runed::os::environment_variable("RUNED_TEST_PID_FILE");
  REQUIRE(path.has_value());
  auto child = unwrap(Child::spawn(guarded(shell("echo $$ >" + *path + "; exec sleep 60"))));
  CHECK(unwrap(child.wait(60s)).has_value());
}

TEST_CASE("a child that dies with its parent is gone after the parent's kill -9") {
  const TempDir dir;
  auto parent = unwrap(Child::spawn(
      {.arguments = {unwrap(runed::os::executable_path()), "a parent that waits for its end"},
       .environment = {{"RUNED_TEST_PID_FILE=" + (dir / "pid")}}}));
  const int grandchild = read_pid(dir / "pid");
  CHECK_FALSE(runed::os::wait_for_exit(grandchild, 0ms));
  unwrap(runed::os::signal_process(parent.pid(), SIGKILL));
  CHECK(runed::os::wait_for_exit(grandchild, 10s));
}

TEST_CASE("a child that dies with its parent dies with the thread that spawned it") {
  std::promise<runed::Result<Child>> spawned;
  runed::os::Wakeup end;
  std::thread owner([&] {
    spawned.set_value(Child::spawn(guarded(shell("exec sleep 60"))));
    runed::os::wait_readable(end.fd(), std::nullopt);
  });
  auto child = unwrap(spawned.get_future().get());
  CHECK_FALSE(unwrap(child.wait(0ms)).has_value());
  end.notify();
  owner.join();
  const auto status = unwrap(child.wait(10s));
  REQUIRE(status.has_value());
  CHECK(status->signal == SIGKILL);
}

TEST_CASE("a helper whose parent is gone before it asked starts nothing") {
  const TempDir dir;
  auto helper = unwrap(
      Child::spawn({.arguments = {unwrap(runed::os::executable_path()), "--child-helper-of=1",
                                  "/bin/sh", "-c", "touch " + (dir / "started")}}));
  CHECK(unwrap(helper.wait(10s))->code == 127);
  CHECK_FALSE(runed::os::exists(dir / "started"));
}

TEST_CASE("a released child lives on, and is reaped when it ends") {
  int pid = 0;
  {
    auto child = unwrap(Child::spawn(shell("exec sleep 60")));
    pid = child.pid();
    child.release();
  }
  CHECK(is_alive(pid));
  unwrap(runed::os::signal_process(pid, SIGKILL));
  // A zombie would still take signals.
  CHECK(eventually([pid] { return !is_alive(pid); }));
}

TEST_CASE("a moved child has one owner") {
  auto first = unwrap(Child::spawn(shell("exec sleep 60")));
  const int pid = first.pid();
  Child second = std::move(first);
  CHECK(second.pid() == pid);
  CHECK(unwrap_error(first.signal_group(SIGTERM)).message == "the child has ended");
  CHECK(unwrap(second.stop(10s)).signal == SIGTERM);
}
