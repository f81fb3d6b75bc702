#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "os/process/child.hpp"
#include "support/temp_dir.hpp"

namespace runed::test {

/// What a finished command left.
struct Finished {
  int exit_code = -1;
  std::string out;
  std::string err;

  Json json() const;  // Of `out`; fails the test if it is not JSON.
};

/// A command that runs, with its output in files of the home.
class Running {
 public:
  Running(os::Child child, std::string out_path, std::string err_path)
      : child_(std::move(child)), out_(std::move(out_path)), err_(std::move(err_path)) {}

  int pid() const { return child_.pid(); }
  void signal(int number);
  bool has_ended() { return wait_for(std::chrono::milliseconds(0)); }
  bool wait_for(std::chrono::milliseconds timeout);
  /// How much it has printed so far.
  uint64_t out_size() const;
  std::string err() const;  // What it has printed there so far.
  /// Waits for the end; fails the test after a minute.
  Finished finish();

 private:
  os::Child child_;
  std::string out_;
  std::string err_;
};

/// The engine of every home: `native`, which runed chooses by itself, or the `llama-server` that
/// RUNED_E2E_ENGINE asks for, so that the same tests are run against each.
std::string engine_under_test();

/// A fresh RUNED_HOME, and the real binary run in it. Whatever daemon is left at the end is killed.
/// Ends a test that leaves itself out because there is no llama-server (real_llama_server.hpp).
class Home {
 public:
  Home() : Home("home") {}
  /// The home's name below a fresh directory; it may be a deep path.
  explicit Home(const std::string& name);
  ~Home();
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  /// Sets a variable in the environment of the commands that follow.
  void set(const std::string& variable, const std::string& value);

  Running start(std::vector<std::string> arguments, const std::string& input = {});
  Finished run(std::vector<std::string> arguments, const std::string& input = {});
  /// Starts or runs a line of bash.
  Running start_shell(const std::string& line);
  Finished run_shell(const std::string& line) { return start_shell(line).finish(); }
  /// The environment of its commands: KEY=VALUE.
  std::vector<std::string> environment() const;

  /// Starts `runed serve` and waits until it is ready.
  Running serve(std::vector<std::string> flags = {});

  /// `status --json`.
  Json status();
  /// Waits until `status --json` tells this state; fails the test after ten seconds.
  Json wait_for_state(const std::string& state);

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return dir_ / name; }  // Outside the home.
  std::string daemon_log() const;

 private:
  Running start_program(std::vector<std::string> arguments, const std::string& input);

  std::map<std::string, std::string> environment_;  // First: nothing is made for a test left out.
  TempDir dir_;
  std::string path_;
  int commands_ = 0;
};

/// The most memory that a process has had, in KiB; 0 once it has ended.
uint64_t peak_kib(int pid);

/// The texts, ids and vectors of the built-in model's reference.
struct ReferenceText {
  std::string text;
  std::vector<uint32_t> ids;
  std::vector<float> vector;
};
const std::vector<ReferenceText>& reference_texts();

double cosine(const std::vector<float>& a, const std::vector<float>& b);

/// The vector of one entry of `embed --json`.
std::vector<float> vector_of(const Json& document, size_t index);

/// How near the built-in model's Q8_0 file must come to the f32 vectors of its f16 weights.
inline constexpr double kReferenceCosine = 0.998;

}  // namespace runed::test
