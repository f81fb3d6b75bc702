#include "client/daemon_starter.hpp"

#include <chrono>
#include <filesystem>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "os/child.hpp"
#include "os/file_lock.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "os/rotating_file.hpp"
#include "os/socket_path.hpp"
#include "os/unix_socket.hpp"

namespace runed::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDialTimeout{2000};
constexpr milliseconds kStartPoll{10};
constexpr size_t kQuotedLogBytes = 2048;

bool is_absent(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::unavailable;
}

// What the log has gained since `begin`, its end at most, one line of it after another.
std::string quote_log(const std::string& path, uintmax_t begin) {
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

Result<os::Child> spawn(const DaemonLocation& daemon, const os::RotatingFile& log) {
  return os::Child::spawn({.arguments = daemon.arguments,
                           .environment = {},
                           .group = os::ChildOptions::Group::own_session,
                           .stdout_fd = log.fd(),
                           .stderr_fd = log.fd()});
}

// Dials until the new daemon answers, it dies, or the time is over.
Result<os::Fd> wait_until_listening(const DaemonLocation& daemon, os::Child& child,
                                    uintmax_t log_begin, SteadyTime until) {
  while (true) {
    auto connection = dial_daemon(daemon);
    if (connection || !is_absent(connection.error())) return connection;
    TRY_ASSIGN(const auto status, child.wait(kStartPoll));
    if (status.has_value()) {
      // One that steps back for another daemon exits as well.
      if (auto other = dial_daemon(daemon)) return other;
      return make_error(ErrorCode::unavailable, "the daemon could not start: it {}",
                        status->describe())
          .with_hint(quote_log(daemon.log_path, log_begin));
    }
    if (std::chrono::steady_clock::now() >= until) {
      return make_error(ErrorCode::unavailable, "the daemon (pid {}) does not listen on '{}'",
                        child.pid(), daemon.socket_path)
          .with_hint(quote_log(daemon.log_path, log_begin));
    }
  }
}

}  // namespace

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

Result<DialledDaemon> dial_or_start_daemon(const DaemonLocation& daemon, milliseconds timeout) {
  const SteadyTime until = std::chrono::steady_clock::now() + timeout;
  auto connection = dial_daemon(daemon);
  if (connection) return DialledDaemon{*std::move(connection), false};
  if (!is_absent(connection.error())) return std::move(connection).error();

  TRY(os::make_private_directory(os::resolve_links(daemon.home)));
  TRY(os::make_private_directory(os::parent_directory(daemon.log_path)));
  TRY_ASSIGN(const auto lock, os::FileLock::acquire(daemon.spawn_lock, timeout));
  connection = dial_daemon(daemon);  // Whoever held the lock may have started one.
  if (connection) return DialledDaemon{*std::move(connection), false};
  if (!is_absent(connection.error())) return std::move(connection).error();

  TRY_ASSIGN(const auto log, os::RotatingFile::open({.path = daemon.log_path}));
  TRY_ASSIGN(const uint64_t log_begin, log.size_bytes());
  TRY_ASSIGN(os::Child child, spawn(daemon, log));
  TRY_ASSIGN(os::Fd started, wait_until_listening(daemon, child, log_begin, until));
  child.release();
  return DialledDaemon{std::move(started), true};
}

}  // namespace runed::client
