#include "embed/llama_server/process/server_log.hpp"

#include <array>
#include <exception>
#include <filesystem>
#include <system_error>

#include "base/log.hpp"
#include "base/text.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"
#include "os/net/poll.hpp"

namespace runed::embed::llama_server {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr size_t kBlockBytes = size_t{64} << 10;  // What a pipe holds, if nobody enlarged it.
// What it can hold if somebody did. Source: pipe(7), /proc/sys/fs/pipe-max-size.
constexpr size_t kMostPipeBytes = size_t{1} << 20;

bool is_ready(int fd) {
  return os::wait_readable(fd, milliseconds{0});
}

}  // namespace

Result<std::unique_ptr<ServerLog>> ServerLog::start(os::Fd output, int exit_fd, Options options,
                                                    std::function<void()> on_exit) {
  std::unique_ptr<ServerLog> log(
      new ServerLog(std::move(output), exit_fd, std::move(options), std::move(on_exit)));
  try {
    log->thread_ = std::thread([reader = log.get()] { reader->run(); });
  } catch (const std::system_error& fault) {
    return make_error(ErrorCode::io, "cannot start a thread: {}", fault.code().message());
  }
  return log;
}

ServerLog::ServerLog(os::Fd output, int exit_fd, Options options, std::function<void()> on_exit)
    : output_(std::move(output)),
      exit_fd_(exit_fd),
      options_(std::move(options)),
      on_exit_(std::move(on_exit)) {}

ServerLog::~ServerLog() {
  stop_.notify();
  if (thread_.joinable()) thread_.join();
}

bool ServerLog::wait_for_exit(milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, timeout, [this] { return ended_at_.has_value(); });
}

std::vector<std::string> ServerLog::last_lines(size_t most) const {
  const std::lock_guard lock(mutex_);
  return lines_.get(most);
}

Status ServerLog::keep_crash_copy(std::string_view how) const {
  std::string content;
  {
    const std::lock_guard lock(mutex_);
    const SystemTime when = ended_at_.value_or(system_clock::now());
    content = fmt::format("{} {}\n", format_time(when), how);
    for (const std::string& line : lines_.get(LastLines::kMostLines)) content += line + "\n";
  }
  const auto path = std::filesystem::path(options_.path).replace_extension(".crash.log");
  return os::write_file_atomically(path.string(), content, 0600);
}

// The child's end goes first: others may keep the pipe full for ever. And it goes before a stop, so
// that the log of a child that we ended is complete. Memory that is lacking costs what was read, and
// neither the thread nor the daemon.
void ServerLog::run() {
  while (true) {
    try {
      os::wait_readable(std::array{output_.get(), exit_fd_, stop_.fd()}, std::nullopt);
      if (is_ready(exit_fd_)) break;
      if (is_ready(stop_.fd())) return;
      if (is_ready(output_.get()) && !read_once()) output_.close();
    } catch (const std::exception&) {
      continue;
    }
  }
  try {
    read_what_is_left();
  } catch (const std::exception&) {
    output_.close();
  }
  {
    const std::lock_guard lock(mutex_);
    ended_at_ = system_clock::now();
  }
  ended_.notify_all();
  on_exit_();
}

// All that the child wrote is in the pipe by now. Its own children may go on writing, so no more is
// read than was there.
void ServerLog::read_what_is_left() {
  for (size_t blocks = 0; blocks < kMostPipeBytes / kBlockBytes; ++blocks) {
    if (!is_ready(output_.get()) || !read_once()) break;
  }
  output_.close();
}

// Returns false at the end of the pipe.
bool ServerLog::read_once() {
  std::array<char, kBlockBytes> buffer;
  const Result<size_t> count = os::read_some(output_.get(), buffer);
  if (!count.has_value() || *count == 0) return false;
  const std::string_view bytes(buffer.data(), *count);
  write_to_file(bytes);  // First, so that what last_lines() knows is in the log.
  const std::lock_guard lock(mutex_);
  lines_.append(bytes);
  return true;
}

// A gap in the log is told in the log, once it can be written again.
void ServerLog::write_to_file(std::string_view bytes) {
  Status written{};
  if (lost_bytes_ > 0) {
    written = try_to_write(
        fmt::format("\n(runed could not write up to {} here)\n", format_bytes(lost_bytes_)));
  }
  if (written.has_value()) {
    lost_bytes_ = 0;
    written = try_to_write(bytes);
  }
  if (!written.has_value()) lost_bytes_ += bytes.size();
}

Status ServerLog::try_to_write(std::string_view bytes) {
  if (!file_.has_value()) {
    TRY_ASSIGN(file_, os::RotatingFile::open({.path = options_.path,
                                              .limit_bytes = options_.limit_bytes,
                                              .keep = options_.keep}));
  }
  return file_->write(bytes);
}

}  // namespace runed::embed::llama_server
