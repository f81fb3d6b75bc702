#include "embed/llama_server/process/server_process.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "embed/engine.hpp"
#include "os/machine/memory.hpp"
#include "os/process/process.hpp"

namespace runed::embed::llama_server {
namespace {

constexpr uint64_t kLogBytes = uint64_t{8} << 20;
constexpr size_t kQuotedLines = 10;  // Blank ones among them.
constexpr size_t kQuotedBytes = 400;
constexpr std::chrono::milliseconds kReapTime{1000};

// Signals that a program does not raise by itself. Source: signal(7).
constexpr std::array kFromOutside{SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT};

// llama-server ends with code 0 only when it was asked to by SIGTERM or SIGINT.
bool is_from_outside(const os::ExitStatus& status) {
  return status.signal == 0 ? status.code == 0
                            : std::ranges::find(kFromOutside, status.signal) != kFromOutside.end();
}

}  // namespace

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(Options options) {
  TRY_ASSIGN(os::Pipe pipe, os::open_pipe());
  auto child = os::Child::spawn({.arguments = options.arguments,
                                 .environment = options.environment,
                                 .dies_with_parent = true,
                                 .stdout_fd = pipe.writer.get(),
                                 .stderr_fd = pipe.writer.get()});
  if (!child) {
    Error error = std::move(child).error();
    // It ended before it was a llama-server, so it is not that which failed.
    if (error.code == ErrorCode::unavailable) error.code = ErrorCode::engine_killed;
    return error;
  }
  pipe.writer.close();
  std::unique_ptr<ServerProcess> process(new ServerProcess(*std::move(child), std::move(options)));
  TRY_ASSIGN(process->log_,
             ServerLog::start(std::move(pipe.reader), process->child_.exit_fd(),
                              {.path = process->options_.log_path, .limit_bytes = kLogBytes},
                              [self = process.get()] {
                                self->has_ended_ = true;
                                if (!self->is_stopping_) self->options_.on_end();
                              }));
  return process;
}

ServerProcess::ServerProcess(os::Child child, Options options)
    : options_(std::move(options)), oom_kills_(os::oom_kills()), child_(std::move(child)) {}

ServerProcess::~ServerProcess() {
  stop(std::chrono::milliseconds(0));
}

bool ServerProcess::wait_for_end(std::chrono::milliseconds timeout) {
  return log_->wait_for_exit(timeout);
}

Error ServerProcess::how_it_ended(Stage stage) {
  // Before it is reaped: until then the group is certainly its own.
  static_cast<void>(child_.signal_group(SIGKILL).has_value());
  const auto status = child_.wait(kReapTime);
  if (!status || !status->has_value()) {
    return describe_fault("llama-server ended, nobody knows how");
  }
  std::string how = fmt::format("llama-server {}", (*status)->describe());
  if (stage == Stage::starting) how += " before it was ready";
  const bool was_asked = (*status)->signal != 0 || stage == Stage::serving;
  // The kernel's OOM killer uses SIGKILL too, and would do it again.
  if (is_from_outside(**status) && was_asked && os::oom_kills() == oom_kills_) {
    return make_error(ErrorCode::engine_killed, "{}", how);
  }
  return describe_fault(how).with(fact::kSignal, static_cast<uint64_t>((*status)->signal));
}

Error ServerProcess::describe_fault(const std::string& fault) const {
  // A full disk must not hide the fault.
  static_cast<void>(log_->keep_crash_copy(fault).has_value());
  const std::string last = quote_end(log_->last_lines(kQuotedLines), kQuotedBytes);
  return make_error(ErrorCode::engine_died, "{}{}{}", fault, last.empty() ? "" : ": ", last)
      .with_hint(fmt::format("see '{}'", options_.log_path));
}

std::chrono::milliseconds ServerProcess::cpu_time() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(os::cpu_time_of(pid()));
}

uint64_t ServerProcess::anonymous_bytes() const {
  return os::anonymous_bytes_of(pid());
}

std::optional<uint16_t> ServerProcess::find_port() const {
  return os::find_listening_port(pid());
}

void ServerProcess::stop(std::chrono::milliseconds grace) {
  is_stopping_ = true;
  // What cannot be ended waits for a dead disk; it dies with us.
  static_cast<void>(child_.stop(grace).has_value());
}

}  // namespace runed::embed::llama_server
