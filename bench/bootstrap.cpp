// Measures what an installation costs and survives: bench_bootstrap [path of runed].
// Everything runs in a fresh directory, against a server of its own. bench/RESULTS.md keeps the
// last figures.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "base/json.hpp"
#include "bench.hpp"
#include "bootstrap/config/home.hpp"
#include "bootstrap/install/hash_file.hpp"
#include "bootstrap/manifest/manifest.hpp"
#include "bootstrap/use/ready_model.hpp"
#include "os/file/files.hpp"
#include "os/process/child.hpp"
#include "os/process/process.hpp"
#include "support/http_server.hpp"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using runed::Json;
using runed::bench::median;
using runed::bench::milliseconds_of;
using runed::bench::require;
using runed::bench::value;
using runed::os::Child;
using runed::test::HttpReply;
using runed::test::HttpServer;

constexpr uint64_t kMB = 1'000'000;
constexpr uint64_t kModelBytes = 300 * kMB;
constexpr uint64_t kRealModelBytes = 639'150'592;  // Of Qwen3-Embedding-0.6B-Q8_0.gguf.
constexpr int kKills = 50;
constexpr int kRuns = 9;

double median_of(int runs, const auto& work) {
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) times.push_back(milliseconds_of(work));
  return median(std::move(times));
}

/// A home, and the server that it installs from.
class Bench {
 public:
  explicit Bench(std::string runed)
      : runed_(std::move(runed)),
        directory_((fs::temp_directory_path() / "runed-bench-XXXXXX").string()) {
    require(::mkdtemp(directory_.data()) != nullptr, "cannot create a directory");
    model_ = runed::test::random_body(kModelBytes);
    sha256_ = sha256_of(model_);
    reset();
  }
  ~Bench() { fs::remove_all(directory_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void survive_cuts();
  void survive_kills();
  void check_at_boot() const;
  void compare_hashing() const;

 private:
  std::string home() const { return directory_ + "/home"; }
  std::string model_path() const { return home() + "/models/bench.gguf"; }

  void reset() {
    fs::remove_all(home());
    const Json manifest{
        {"version", 1},
        {"models",
         {{"bench",
           {{"url", server_.url("/bench.gguf")}, {"sha256", sha256_}, {"size", kModelBytes}}}}},
        {"default_model", "bench"}};
    server_.reply("/manifest.json", {.body = runed::test::text_body(runed::to_line(manifest))});
    server_.reply("/bench.gguf", {.body = model_, .etag = "\"bench\""});
  }

  Child start(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), runed_);
    return value(Child::spawn(
        {.arguments = std::move(arguments),
         .environment = std::vector<std::string>{
             "RUNED_HOME=" + home(), "RUNED_MANIFEST=" + server_.url("/manifest.json")}}));
  }
  int run(std::vector<std::string> arguments) const {
    Child child = start(std::move(arguments));
    return value(child.wait(10min))->code;
  }
  Child start_install() const { return start({"install", "--model-only"}); }

  bool is_whole() const {
    return !fs::exists(model_path()) ||
           value(runed::bootstrap::hash_file(model_path(), {})) == sha256_;
  }

  std::string runed_;
  std::string directory_;
  HttpServer server_;
  runed::test::HttpBody model_;
  std::string sha256_;
};

void Bench::survive_cuts() {
  HttpReply reply{.body = model_, .etag = "\"bench\""};
  for (uint64_t i = 1; i <= 9; ++i) reply.cuts.insert(i * kModelBytes / 10);
  server_.reply("/bench.gguf", reply);
  const uint64_t before = server_.body_bytes_sent();
  const double taken = milliseconds_of([this] {
    require(run({"install", "--model-only"}) == 0, "the install that was cut failed");
  });
  const double sent = static_cast<double>(server_.body_bytes_sent() - before);
  require(is_whole(), "the file is wrong");
  fmt::print("| 300 MB cut nine times | {:.1f} MB sent, {} requests, {:.1f} s |\n", sent / 1e6,
             server_.seen("/bench.gguf").size(), taken / 1e3);
  reset();
}

void Bench::survive_kills() {
  std::minstd_rand random(1);
  const double whole = milliseconds_of([this] {
    require(run({"install", "--model-only"}) == 0, "the install failed");
  });
  int visible = 0;
  int completed = 0;
  for (int i = 0; i < kKills; ++i) {
    if (i % 5 == 0) reset();
    Child child = start_install();
    std::this_thread::sleep_for(whole * std::uniform_real_distribution(0.0, 1.0)(random) * 1ms);
    require(child.signal_group(SIGKILL).has_value(), "cannot kill the install");
    value(child.wait(10s));
    if (!is_whole()) ++visible;
    if (fs::exists(model_path())) ++completed;
  }
  require(run({"install", "--model-only"}) == 0, "the install after the kills failed");
  require(is_whole() && fs::exists(model_path()), "the file is wrong after the kills");
  fmt::print(
      "| kill -9 at {} random moments of {:.1f} s | {} half-installed, {} were complete, "
      "then intact |\n",
      kKills, whole / 1e3, visible, completed);
  reset();
}

void Bench::check_at_boot() const {
  const runed::bootstrap::Environment environment =
      [this](const std::string& name) -> std::optional<std::string> {
    if (name == "RUNED_HOME") return home();
    return std::nullopt;
  };
  const auto paths = value(runed::bootstrap::resolve_paths(environment, std::nullopt));
  require(runed::bootstrap::make_directories(paths).has_value(), "cannot create directories");
  const std::string path = runed::bootstrap::model_path(paths, "big");
  {
    std::ofstream file(path, std::ios::binary);
    std::vector<char> block(kMB);
    for (uint64_t at = 0; at < kRealModelBytes; at += block.size()) {
      const uint64_t size = std::min<uint64_t>(block.size(), kRealModelBytes - at);
      std::memset(block.data(), static_cast<int>(at / kMB), size);
      file.write(block.data(), static_cast<std::streamsize>(size));
    }
  }
  const auto settings = value(runed::bootstrap::load_settings(paths, environment, {}));
  const auto check = [&] {
    const auto choice = value(runed::bootstrap::choose_model(paths, settings));
    value(runed::bootstrap::check_model(paths, settings, choice, {}));
  };
  const double first = milliseconds_of(check);
  fmt::print(
      "| boot check of an intact 640 MB model | {:.2f} ms (first time, hashing: {:.0f} ms) |\n",
      median_of(kRuns, check), first);
}

void Bench::compare_hashing() const {
  const std::string path = home() + "/models/big.gguf";
  const auto rate = [](double taken) {
    return fmt::format("{:.2f} GB/s", static_cast<double>(kRealModelBytes) / taken / 1e6);
  };
  const auto tool = [&path](const char* command) {
    require(std::system(fmt::format("{} '{}' > /dev/null", command, path).c_str()) == 0, command);
  };
  std::vector<double> ours;
  std::vector<double> openssl;
  std::vector<double> coreutils;
  for (int i = 0; i < kRuns; ++i) {  // Side by side, so that noise hits all of them.
    ours.push_back(milliseconds_of([&] { require(run({"verify"}) != 74, "verify failed"); }));
    openssl.push_back(milliseconds_of([&] { tool("openssl dgst -sha256"); }));
    coreutils.push_back(milliseconds_of([&] { tool("sha256sum"); }));
  }
  const double base = median(openssl);
  fmt::print("| hashing 640 MB: runed verify | {} ({:.2f} of openssl) |\n", rate(median(ours)),
             base / median(ours));
  fmt::print("| hashing 640 MB: openssl dgst -sha256 | {} |\n", rate(base));
  fmt::print("| hashing 640 MB: sha256sum | {} ({:.2f} of openssl) |\n", rate(median(coreutils)),
             base / median(coreutils));
}

}  // namespace

int main(int argc, char** argv) {
  Bench bench(fs::absolute(argc > 1 ? argv[1] : "build/release/bin/runed"));
  fmt::print("| what | figure |\n|---|---:|\n");
  bench.survive_cuts();
  bench.survive_kills();
  bench.check_at_boot();
  bench.compare_hashing();
}
