#include "bench_home.hpp"

#include <chrono>
#include <filesystem>

#include "bench.hpp"
#include "os/file/files.hpp"
#include "os/process/proc_file.hpp"
#include "os/process/process.hpp"
#include "wire_client.hpp"

namespace runed::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr size_t kMostLog = size_t{64} << 20;

}  // namespace

BenchHome::BenchHome(const Programs& programs, const std::string& engine,
                     std::vector<std::string> variables)
    : runed_(programs.runed),
      directory_((fs::temp_directory_path() / "runed-bench-XXXXXX").string()),
      environment_(std::move(variables)) {
  require(::mkdtemp(directory_.data()) != nullptr, "cannot create a directory");
  for (std::string variable : {"RUNED_HOME=" + directory_ + "/home", "HOME=" + directory_,
                               std::string("PATH=/usr/bin:/bin"), "RUNED_ENGINE=" + engine,
                               "RUNED_LLAMA_SERVER=" + programs.llama_server}) {
    environment_.push_back(std::move(variable));
  }
}

BenchHome::~BenchHome() {
  shut_down();
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

os::Child BenchHome::start(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), runed_);
  const os::Fd output = value(os::open_for_append(directory_ + "/output", 0600));
  return value(os::Child::spawn({.arguments = std::move(arguments),
                                 .environment = environment_,
                                 .dies_with_parent = true,
                                 .stdout_fd = output.get(),
                                 .stderr_fd = output.get()}));
}

void BenchHome::serve() {
  daemon_.emplace(start({"serve"}));
  run({"status", "--wait-ready", "60"});
}

void BenchHome::run(std::vector<std::string> arguments) const {
  const std::string command = arguments.front();
  os::Child child = start(std::move(arguments));
  const auto end = value(child.wait(120s));
  require(end.has_value() && end->code == 0 && end->signal == 0,
          fmt::format("'runed {}' failed, see {}", command, directory_ + "/output"));
}

void BenchHome::shut_down() const {
  run({"shutdown", "--force", "--wait", "20"});
}

std::string BenchHome::daemon_log() const {
  return value(os::read_file(directory_ + "/home/logs/daemon.log", kMostLog));
}

int BenchHome::daemon_pid() const {
  return value(WireClient(socket_path()).daemon_pid());
}

// Source: proc_pid_status(5).
std::vector<int> children_of(int pid) {
  std::vector<int> children;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto status = os::read_file(entry.path() / "status", os::kMostProcBytes);
    if (!status || os::number_after(*status, "PPid:") != static_cast<uint64_t>(pid)) continue;
    children.push_back(std::stoi(name));
  }
  return children;
}

}  // namespace runed::bench
