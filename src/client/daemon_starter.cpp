#include "client/daemon_starter.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "bootstrap/config/daemon_lock.hpp"
#include "bootstrap/config/environment.hpp"
#include "bootstrap/config/home.hpp"
#include "os/file/file_lock.hpp"
#include "os/file/files.hpp"
#include "os/file/rotating_file.hpp"
#include "os/net/socket_path.hpp"
#include "os/net/unix_socket.hpp"
#include "os/process/child.hpp"
#include "os/process/process.hpp"

namespace runed::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDialTimeout{2000};
constexpr milliseconds kStartPoll{10};
constexpr milliseconds kQuietWait{1500};
constexpr size_t kQuotedLogBytes = 2048;

// The daemon lives on, whoever lets go of it.
struct LetGo {
  void operator()(os::Child* child) const {
    child->release();
    delete child;
  }
};

bool is_absent(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::unavailable;
}

// Standard input is the pipe by which it learns that we have gone.
Result<os::Child> spawn(const DaemonLocation& daemon, const os::RotatingFile& log,
                        const os::Pipe& lifeline) {
  std::vector<std::string> environment = os::environment_variables();
  environment.push_back(fmt::format("{}=1", bootstrap::kStartedOnDemand));
  auto child = os::Child::spawn({.arguments = daemon.arguments,
                                 .environment = std::move(environment),
                                 .group = os::ChildOptions::Group::own_session,
                                 .stdin_fd = lifeline.reader.get(),
                                 .stdout_fd = log.fd(),
                                 .stderr_fd = log.fd()});
  // That there is no such program is not that there is no daemon.
  if (!child) child.error().code = ErrorCode::unavailable;
  return child;
}

/// One attempt to reach a daemon: how long it may take, and what its caller was told.
class Attempt {
 public:
  Attempt(const DaemonLocation& daemon, const StartOptions& options)
      : daemon_(daemon), options_(options), begin_(std::chrono::steady_clock::now()) {}

  bool is_over() const { return elapsed() >= options_.timeout; }

  /// Tells the caller once, after a moment, what `describe` returns, unless that is empty.
  template <typename Describe>
  void note(const Describe& describe) {
    if (told_ || !options_.on_wait || elapsed() < kQuietWait) return;
    told_ = true;
    if (const std::string text = describe(); !text.empty()) options_.on_wait(text);
  }

  Result<os::Fd> wait_until_listening(os::Child& child, uintmax_t log_begin);
  Result<std::optional<os::FileLock>> wait_for_turn(Result<os::Fd>& connection);

 private:
  std::chrono::nanoseconds elapsed() const { return std::chrono::steady_clock::now() - begin_; }
  Error why_not_started(os::ExitStatus status, uintmax_t log_begin) const;

  const DaemonLocation& daemon_;
  const StartOptions& options_;
  const SteadyTime begin_;
  bool told_ = false;
};

// Takes the lock under which one client starts a daemon; none if one answers before, or the
// connection fails otherwise.
Result<std::optional<os::FileLock>> Attempt::wait_for_turn(Result<os::Fd>& connection) {
  while (true) {
    TRY_ASSIGN(auto lock, os::FileLock::try_acquire(daemon_.spawn_lock));
    connection = dial_daemon(daemon_);  // Whoever held the lock may have started one.
    if (connection || !is_absent(connection.error())) return std::optional<os::FileLock>{};
    if (lock.has_value()) return lock;
    const std::string holder = os::FileLock::describe_holder(daemon_.spawn_lock);
    if (is_over()) {
      return make_error(ErrorCode::deadline_exceeded,
                        "{}, which is starting the daemon, does not get it started", holder)
          .with_hint(fmt::format("it holds '{}'", daemon_.spawn_lock));
    }
    note([&] { return fmt::format("waiting for {}, which is starting the daemon", holder); });
    std::this_thread::sleep_for(kStartPoll);
  }
}

Error Attempt::why_not_started(os::ExitStatus status, uintmax_t log_begin) const {
  if (const auto holder =
          bootstrap::find_daemon_elsewhere(daemon_.daemon_lock, daemon_.socket_path)) {
    return bootstrap::serves_elsewhere(*holder, daemon_.daemon_lock, daemon_.socket_path);
  }
  return make_error(ErrorCode::unavailable, "the daemon could not start: it {}", status.describe())
      .with_hint(quote_log(daemon_.log_path, log_begin));
}

// Dials until the new daemon answers, it dies, or the time is over.
Result<os::Fd> Attempt::wait_until_listening(os::Child& child, uintmax_t log_begin) {
  while (true) {
    auto connection = dial_daemon(daemon_);
    if (connection || !is_absent(connection.error())) return connection;
    TRY_ASSIGN(const auto status, child.wait(kStartPoll));
    if (status.has_value()) {
      // One that steps back for another daemon exits as well.
      if (auto other = dial_daemon(daemon_)) return other;
      return why_not_started(*status, log_begin);
    }
    if (is_over()) {
      return make_error(ErrorCode::unavailable, "the daemon (pid {}) does not listen on '{}'",
                        child.pid(), daemon_.socket_path)
          .with_hint(quote_log(daemon_.log_path, log_begin));
    }
    note([&]() -> std::string {
      const auto holder = os::FileLock::read_holder(daemon_.daemon_lock);
      if (holder.value_or(child.pid()) == child.pid()) return {};
      if (!os::FileLock::is_held(daemon_.daemon_lock)) return {};
      return fmt::format("waiting for the daemon that is there (pid {}): it is starting or ending",
                         *holder);
    });
  }
}

}  // namespace

std::string quote_log(const std::string& path, uint64_t begin) {
  std::error_code missing;
  const uintmax_t end = std::filesystem::file_size(path, missing);
  if (missing || end <= begin) return fmt::format("'{}' has nothing about it", path);
  const std::string tail =
      os::read_tail(path, std::min<size_t>(end - begin, kQuotedLogBytes)).value_or("");
  std::string text = fmt::format("the end of '{}':", path);
  for (const std::string_view line : split(tail, '\n')) {
    if (!line.empty()) text += fmt::format("\n  {}", line);
  }
  return text;
}

Result<os::Fd> dial_daemon(const DaemonLocation& daemon) {
  TRY(os::check_alias_directory(daemon.socket_path));
  TRY_ASSIGN(os::Fd connection, os::dial_unix(daemon.socket_path, kDialTimeout));
  TRY_ASSIGN(const auto peer, os::peer_credentials(connection.get()));
  if (peer.uid != os::user_id() && peer.uid != 0) {
    return make_error(ErrorCode::permission_denied, "'{}' is served by another user (uid {})",
                      daemon.socket_path, peer.uid)
        .with_hint("set RUNED_HOME to a directory of yours");
  }
  return connection;
}

Result<DialledDaemon> dial_or_start_daemon(const DaemonLocation& daemon,
                                           const StartOptions& options) {
  Attempt attempt(daemon, options);
  auto connection = dial_daemon(daemon);
  if (connection) return DialledDaemon{.connection = *std::move(connection)};
  if (!is_absent(connection.error())) return std::move(connection).error();

  TRY(bootstrap::make_home(daemon.home));
  if (const auto holder =
          bootstrap::find_daemon_elsewhere(daemon.daemon_lock, daemon.socket_path)) {
    return bootstrap::serves_elsewhere(*holder, daemon.daemon_lock, daemon.socket_path);
  }
  TRY(bootstrap::make_logs_directory(os::parent_directory(daemon.log_path)));
  TRY_ASSIGN(const auto lock, attempt.wait_for_turn(connection));
  if (connection) return DialledDaemon{.connection = *std::move(connection)};
  if (!lock.has_value()) return std::move(connection).error();

  TRY_ASSIGN(const auto log, os::RotatingFile::open({.path = daemon.log_path}));
  TRY_ASSIGN(const uint64_t log_begin, log.size_bytes());
  TRY_ASSIGN(os::Pipe lifeline, os::open_pipe());
  TRY_ASSIGN(os::Child child, spawn(daemon, log, lifeline));
  lifeline.reader.close();
  TRY_ASSIGN(os::Fd started, attempt.wait_until_listening(child, log_begin));
  return DialledDaemon{.connection = std::move(started),
                       .was_started = true,
                       .process = {new os::Child(std::move(child)), LetGo()},
                       .log_begin = log_begin};
}

}  // namespace runed::client
