// What a daemon has of the process that started it.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "os/file/files.hpp"
#include "os/process/proc_file.hpp"
#include "os/process/process.hpp"
#include "runed_process.hpp"
#include "support/eventually.hpp"
#include "support/left_out.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::Running;
using runed::test::unwrap;
namespace fs = std::filesystem;
namespace os = runed::os;

namespace {

std::string of_process(int pid, const std::string& name) {
  return unwrap(os::read_file(fmt::format("/proc/{}/{}", pid, name), 1 << 20));
}

// The rest of the line that begins so.
std::string line_of(const std::string& text, const std::string& begin) {
  const size_t found = text.find(begin);
  if (found == std::string::npos) FAIL("no '" << begin << "' in " << text);
  return text.substr(found, text.find('\n', found) - found);
}

// Source: proc_pid_stat(5), field 19.
int niceness_of(int pid) {
  const std::string stat = of_process(pid, "stat");
  return std::stoi(std::string(os::word_at(stat.substr(stat.rfind(')') + 1), 19 - 3)));
}

fs::path directory_of(int pid) {
  return fs::read_symlink(fmt::format("/proc/{}/cwd", pid));
}

std::string cpus_of(int pid) {
  return line_of(of_process(pid, "status"), "Cpus_allowed:");
}

std::string soft_limit_of(int pid, const std::string& name) {
  return std::string(os::word_at(line_of(of_process(pid, "limits"), name).substr(name.size()), 0));
}

bool mentions(const Json& list, const std::string& text) {
  return list.dump().find(text) != std::string::npos;
}

// The line, run where, how and as whom the first caller happens to be.
const std::string kChance = std::string("mkdir -p $HOME/mnt && cd $HOME/mnt && umask 0 && ") +
                            "exec taskset -c 0 nice -n 5 ionice -c 3 ";

}  // namespace

TEST_CASE("a daemon that was started on demand is nobody's", "[daemon_process]") {
  Home home;
  const Finished done = home.run_shell(
      kChance + "sh -c 'ulimit -Sn 200; ulimit -Hn 300; ulimit -Ss 1024; " + RUNED_EXECUTABLE +
      " embed x; rmdir $HOME/mnt'");
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  const Json status = home.status();
  const int pid = status["pid"];
  CHECK(directory_of(pid) == "/");
  CHECK(fs::read_symlink(fmt::format("/proc/{}/fd/0", pid)) == "/dev/null");
  CHECK(line_of(of_process(pid, "status"), "Umask:") == "Umask:\t0077");
  for (const auto& thread : fs::directory_iterator(fmt::format("/proc/{}/task", pid))) {
    const std::string text = unwrap(os::read_file(thread.path() / "status", 1 << 20));
    CHECK(line_of(text, "Cpus_allowed:") == cpus_of(os::process_id()));
  }
  CHECK(soft_limit_of(pid, "Max open files") == "300");
  CHECK(std::stoul(soft_limit_of(pid, "Max stack size")) >= 8 << 20);
  CHECK(mentions(status["inherited"], "at most 300 open files"));
  CHECK(home.run({"status"}).out.find("at most 300 open files") != std::string::npos);
  CHECK(home.daemon_log().find("\"inherited\":[") != std::string::npos);
  if (::geteuid() == 0) CHECK(niceness_of(pid) == 0);
}

TEST_CASE("relative paths of the caller are those of the daemon", "[daemon_process]") {
  Home home;
  fs::create_directories(home.file("work"));
  fs::copy_file(RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.q8_0.gguf", home.file("work/m.gguf"));
  const Finished done = home.run_shell(
      "cd $HOME/work && RUNED_HOME=h RUNED_SOCKET=s/d.sock RUNED_MODEL=m.gguf "
      "RUNED_IDLE_TIMEOUT=100ms " RUNED_EXECUTABLE " embed --json x");
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  home.set("RUNED_HOME", home.file("work/h"));
  home.set("RUNED_SOCKET", home.file("work/s/d.sock"));
  CHECK(home.wait_for_state("idle")["config"]["model"]["value"] == home.file("work/m.gguf"));
  CHECK(home.run({"embed", "x"}).exit_code == 0);  // Which opens the model again.
  CHECK(home.run({"shutdown", "--wait", "20"}).exit_code == 0);
}

TEST_CASE("what a user gives a daemon in the foreground stays", "[daemon_process]") {
  Home home;
  const rlimit all = [] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit;
  }();
  if (all.rlim_max < 300) return runed::test::leave_out("the limit of open files is too low");
  Running daemon = home.start_shell(kChance + "sh -c 'ulimit -Sn 200; exec " + RUNED_EXECUTABLE +
                                    " serve'");
  REQUIRE(home.run({"status", "--wait-ready", "20"}).exit_code == 0);
  CHECK(niceness_of(daemon.pid()) == 5);
  CHECK(line_of(of_process(daemon.pid(), "status"), "Cpus_allowed_list:").ends_with("\t0"));
  CHECK(soft_limit_of(daemon.pid(), "Max open files") == "200");
  CHECK(directory_of(daemon.pid()) == "/");  // But nothing that it was started in is kept busy.
  CHECK(home.status()["inherited"].empty());
}

TEST_CASE("a daemon that is started on demand by others hears signals", "[daemon_process]") {
  Home home;
  Running daemon = home.start_shell("trap '' TERM HUP INT; RUNED_STARTED_ON_DEMAND=1 exec "
                                    RUNED_EXECUTABLE " serve </dev/null");
  REQUIRE(home.run({"status", "--wait-ready", "20"}).exit_code == 0);
  daemon.signal(SIGTERM);
  CHECK(daemon.finish().exit_code == 0);
}

TEST_CASE("what only root could give back is kept, and said", "[daemon_process]") {
  if (::geteuid() != 0) return runed::test::leave_out("only root can become another user");
  Home home;
  // Where anybody may go.
  const std::string d = "/tmp/runed-test-nobody-" + std::to_string(os::process_id());
  fs::create_directories(d + "/start");
  fs::copy_file(RUNED_EXECUTABLE, d + "/runed", fs::copy_options::overwrite_existing);
  REQUIRE(::chmod(d.c_str(), 0755) == 0);
  REQUIRE(::chown((d + "/start").c_str(), 65534, 65534) == 0);
  const std::string as_nobody =
      "cd " + d + "/start && HOME=" + d + "/start RUNED_HOME=" + d + "/start/h " +
      "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all ";
  const Finished done =
      home.run_shell(as_nobody + "taskset -c 0 nice -n 5 " + d + "/runed embed x");
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  const Finished seen = home.run_shell(as_nobody + d + "/runed status --json");
  REQUIRE(seen.exit_code == 0);
  const int pid = seen.json()["pid"];
  CHECK(niceness_of(pid) == 5);
  CHECK(mentions(seen.json()["inherited"], "niceness 5"));
  CHECK(cpus_of(pid) == cpus_of(os::process_id()));
  CHECK(home.run_shell(as_nobody + d + "/runed shutdown --force").exit_code == 0);
  fs::remove_all(d);
}
