#include "embed/llama_server/process/server_features.hpp"

#include <chrono>
#include <utility>

#include "base/text.hpp"
#include "embed/llama_server/process/server_environment.hpp"
#include "os/process/capture.hpp"

namespace runed::embed::llama_server {
namespace {

// Libraries for a GPU are some gigabytes, read from a disk that may be slow.
constexpr std::chrono::seconds kAnswerTime{60};
constexpr size_t kMostBytes = size_t{1} << 20;  // The help is 60 kB.

constexpr std::string_view kVersionPrefix = "version: ";
constexpr std::string_view kBlanks = " \t\r\n";
constexpr size_t kQuotedBytes = 300;

std::string_view trim(std::string_view line) {
  const size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

Error not_one(const std::string& executable, const std::string& why) {
  return make_error(ErrorCode::bad_config, "'{}' is not a llama-server that runs here: {}",
                    executable, why)
      .with_hint(fmt::format("try '{} --version' by hand", executable));
}

Result<std::string> ask(const std::string& executable, const char* flag) {
  auto answer = os::run_and_capture({.arguments = {executable, flag},
                                     .environment = server_environment(),
                                     .dies_with_parent = true},
                                    kAnswerTime, kMostBytes);
  if (!answer) {
    if (answer.error().code != ErrorCode::deadline_exceeded) return std::move(answer).error();
    return not_one(executable, fmt::format("{} does not end", flag));
  }
  if (answer->status.code == 0 && answer->status.signal == 0) return std::move(answer->output);
  return not_one(executable, fmt::format("{} {}: {}", flag, answer->status.describe(),
                                         printable(trim(answer->output), kQuotedBytes)));
}

bool is_flag_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

// Every `--word` of a text.
std::set<std::string, std::less<>> find_flags(std::string_view help) {
  std::set<std::string, std::less<>> flags;
  for (size_t at = help.find("--"); at != std::string_view::npos; at = help.find("--", at)) {
    const size_t begin = at;
    while (at < help.size() && is_flag_character(help[at])) ++at;
    flags.emplace(help.substr(begin, at - begin));
  }
  return flags;
}

// The indented lines below the title are the devices: `  CUDA0: NVIDIA A10 (22 MiB, 22 MiB free)`.
// Libraries print lines of their own above it. BLAS, which is listed too, is a CPU's.
// Source: llama.cpp, common/arg.cpp, --list-devices.
std::vector<std::string> find_devices(std::string_view text) {
  std::vector<std::string> devices;
  const size_t title = text.find("Available devices:");
  if (title == std::string_view::npos) return devices;
  for (const std::string_view line : split(text.substr(title), '\n')) {
    const std::string_view device = trim(line.substr(0, line.find(" (")));
    const bool is_cpu = device.starts_with("BLAS") || device.starts_with("CPU");
    if (line.starts_with("  ") && !device.empty() && !is_cpu) {
      devices.emplace_back(printable(device));
    }
  }
  return devices;
}

std::string find_version(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with(kVersionPrefix)) continue;
    return printable(trim(line.substr(kVersionPrefix.size())));
  }
  return "unknown";
}

}  // namespace

ServerFeatures parse_features(std::string_view help, std::string_view version,
                              std::string_view devices) {
  ServerFeatures features{.version = find_version(version), .flags = find_flags(help)};
  features.has_unix_sockets = help.find(".sock") != std::string_view::npos;
  features.has_log_levels = help.find("- 2: warning") != std::string_view::npos;
  features.devices = find_devices(devices);
  features.has_gpu = !features.devices.empty();
  return features;
}

Result<ServerFeatures> read_features(const std::string& executable) {
  TRY_ASSIGN(const std::string help, ask(executable, "--help"));
  TRY_ASSIGN(const std::string version, ask(executable, "--version"));
  std::string devices;
  ServerFeatures features = parse_features(help, version, devices);
  for (const std::string_view flag : {"--model", "--embeddings", "--pooling", "--host"}) {
    if (!features.has(flag)) {
      return not_one(executable, fmt::format("its help does not name {}", flag));
    }
  }
  if (!features.has("--list-devices")) return features;
  TRY_ASSIGN(devices, ask(executable, "--list-devices"));
  return parse_features(help, version, devices);
}

}  // namespace runed::embed::llama_server
