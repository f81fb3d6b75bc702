#include "runed_process.hpp"

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "os/file/file_lock.hpp"
#include "os/file/files.hpp"
#include "os/process/process.hpp"
#include "os/process/process_handle.hpp"
#include "support/left_out.hpp"
#include "support/real_llama_server.hpp"
#include "support/result_matchers.hpp"

namespace runed::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kMostOutput = 64 << 20;
constexpr seconds kCommandTimeout{60};

std::map<std::string, std::string> choose_engine() {
  if (engine_under_test() == "native") return {};
  const auto llama_server = real_llama_server();
  if (!llama_server) end_test();
  return {{"RUNED_ENGINE", "llama-server"}, {"RUNED_LLAMA_SERVER", *llama_server}};
}

std::string slurp(const std::string& path) {
  return os::exists(path) ? unwrap(os::read_file(path, kMostOutput)) : std::string();
}

}  // namespace

Json Finished::json() const {
  INFO("stdout: " << out << "\nstderr: " << err);
  return unwrap(parse_json(out));
}

void Running::signal(int number) {
  unwrap(os::signal_process(pid(), number));
}

bool Running::wait_for(milliseconds timeout) {
  return unwrap(child_.wait(timeout)).has_value();
}

uint64_t Running::out_size() const {
  return unwrap(os::file_identity(out_)).size_bytes;
}

std::string Running::err() const {
  return slurp(err_);
}

Finished Running::finish() {
  const auto status = unwrap(child_.wait(kCommandTimeout));
  if (!status.has_value()) FAIL("the command does not end; stderr: " << slurp(err_));
  return {status->signal != 0 ? 128 + status->signal : status->code, slurp(out_), slurp(err_)};
}

std::string engine_under_test() {
  const std::string engine = os::environment_variable("RUNED_E2E_ENGINE").value_or("native");
  if (engine != "native" && engine != "llama-server") FAIL("RUNED_E2E_ENGINE is " << engine);
  return engine;
}

Home::Home(const std::string& name) : environment_(choose_engine()), path_(dir_ / name) {
  set("RUNED_HOME", path_);
  set("HOME", dir_.path());
  set("PATH", "/usr/bin:/bin");
  // Sanitizers read their options from the environment.
  for (const char* variable : {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (auto value = os::environment_variable(variable)) set(variable, *value);
  }
}

Home::~Home() {
  const std::string lock = path_ + "/daemon.lock";
  if (!os::FileLock::is_held(lock)) return;
  const auto holder = os::find_lock_holder(lock, os::FileLock::read_holder(lock));
  // Tests have others hold it too.
  if (!holder.has_value() || std::filesystem::path(holder->program()).filename() != "runed") return;
  if (holder->signal(SIGKILL)) holder->wait_for_exit(seconds(5));
}

void Home::set(const std::string& variable, const std::string& value) {
  environment_[variable] = value;
}

Running Home::start(std::vector<std::string> arguments, const std::string& input) {
  arguments.insert(arguments.begin(), RUNED_EXECUTABLE);
  return start_program(std::move(arguments), input);
}

Running Home::start_shell(const std::string& line) {
  return start_program({"/bin/bash", "-c", line}, {});
}

std::vector<std::string> Home::environment() const {
  std::vector<std::string> environment;
  for (const auto& [variable, value] : environment_) environment.push_back(variable + "=" + value);
  return environment;
}

Running Home::start_program(std::vector<std::string> arguments, const std::string& input) {
  const std::string base = file("command" + std::to_string(++commands_));
  write_text(base + ".in", input);
  const os::Fd in = unwrap(os::open_fd(base + ".in", 0));
  const os::Fd out = unwrap(os::open_for_append(base + ".out", 0600));
  const os::Fd err = unwrap(os::open_for_append(base + ".err", 0600));
  auto child = unwrap(os::Child::spawn({.arguments = std::move(arguments),
                                        .environment = environment(),
                                        .stdin_fd = in.get(),
                                        .stdout_fd = out.get(),
                                        .stderr_fd = err.get()}));
  return {std::move(child), base + ".out", base + ".err"};
}

Finished Home::run(std::vector<std::string> arguments, const std::string& input) {
  return start(std::move(arguments), input).finish();
}

Running Home::serve(std::vector<std::string> flags) {
  flags.insert(flags.begin(), "serve");
  Running daemon = start(std::move(flags));
  const Finished ready = run({"status", "--wait-ready", "20"});
  if (ready.exit_code != 0) {
    FAIL("the daemon is not ready: " << ready.out << ready.err << slurp(file("command1.err")));
  }
  return daemon;
}

Json Home::status() {
  return run({"status", "--json"}).json();
}

Json Home::wait_for_state(const std::string& state) {
  const auto until = std::chrono::steady_clock::now() + seconds(10);
  while (true) {
    Json seen = status();
    if (seen["state"] == state) return seen;
    if (std::chrono::steady_clock::now() > until) FAIL("not '" << state << "': " << seen.dump(2));
  }
}

std::string Home::daemon_log() const {
  return slurp(path_ + "/logs/daemon.log");
}

uint64_t peak_kib(int pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6));
  }
  return 0;
}

const std::vector<ReferenceText>& reference_texts() {
  static const std::vector<ReferenceText> texts = [] {
    std::vector<ReferenceText> loaded;
    const Json json =
        unwrap(parse_json(slurp(RUNED_TEST_DATA "/runed_mini_reference_vectors.json")));
    for (const Json& entry : json) {
      loaded.push_back({entry["text"], entry["ids"], entry["vector"].get<std::vector<float>>()});
    }
    return loaded;
  }();
  return texts;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double dot = 0;
  double aa = 0;
  double bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return dot / std::sqrt(aa * bb);
}

std::vector<float> vector_of(const Json& document, size_t index) {
  return document["embeddings"].at(index)["vector"].get<std::vector<float>>();
}

}  // namespace runed::test
