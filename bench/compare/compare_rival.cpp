#include "compare_rival.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <csignal>
#include <cstring>
#include <span>

#include "base/json.hpp"
#include "bench.hpp"
#include "compare_foreign.hpp"
#include "os/file/fd.hpp"
#include "os/file/files.hpp"
#include "os/machine/memory.hpp"
#include "os/net/poll.hpp"
#include "os/process/child.hpp"
#include "os/process/process.hpp"

namespace runed::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kStartTime = 300s;  // It may have to write a graph, fuse and quantise it.
constexpr auto kAnswerTime = 300s;
constexpr size_t kMostFrameBytes = size_t{1} << 28;
constexpr size_t kMostLogBytes = 4096;
constexpr std::array<const char*, 6> kKinds{"onnxruntime-f32", "onnxruntime-int8", "openvino-f32",
                                            "openvino-bf16",   "torch-f32",        "torch-bf16"};

static_assert(sizeof(embed::TokenId) == sizeof(uint32_t));

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// A child that is spoken to in frames: a count of bytes, and the bytes. Both ends are this machine's, so
// numbers are as they lie.
class FramedChild {
 public:
  static Result<FramedChild> start(const RivalSetting& setting, const char* kind,
                                   const std::string& log_path) {
    TRY_ASSIGN(os::Pipe requests, os::open_pipe());
    TRY_ASSIGN(os::Pipe replies, os::open_pipe());
    TRY_ASSIGN(const os::Fd log, os::open_fd(log_path, O_WRONLY | O_CREAT | O_TRUNC));
    TRY_ASSIGN(auto child, os::Child::spawn({.arguments = {setting.python, "-B", setting.script,
                                                           kind, setting.model, setting.directory,
                                                           std::to_string(setting.threads)},
                                             .dies_with_parent = true,
                                             .stdin_fd = requests.reader.get(),
                                             .stdout_fd = replies.writer.get(),
                                             .stderr_fd = log.get()}));
    return FramedChild(std::move(child), std::move(requests.writer), std::move(replies.reader));
  }

  int pid() const { return child_.pid(); }

  Status send(std::string_view first, std::string_view second, std::string_view third) {
    const auto size = static_cast<uint32_t>(first.size() + second.size() + third.size());
    std::string frame(reinterpret_cast<const char*>(&size), sizeof size);
    frame.append(first).append(second).append(third);
    return os::write_in_time(requests_.get(), frame, kAnswerTime);
  }

  Result<std::string> receive(std::chrono::milliseconds timeout) {
    TRY_ASSIGN(const std::string head, receive_bytes(sizeof(uint32_t), timeout));
    uint32_t size = 0;
    std::memcpy(&size, head.data(), sizeof size);
    if (size > kMostFrameBytes) {
      return make_error(ErrorCode::unavailable, "it sent a frame of {} bytes", size);
    }
    return receive_bytes(size, timeout);
  }

 private:
  FramedChild(os::Child child, os::Fd requests, os::Fd replies)
      : child_(std::move(child)), requests_(std::move(requests)), replies_(std::move(replies)) {}

  Result<std::string> receive_bytes(size_t count, std::chrono::milliseconds timeout) {
    std::string bytes(count, '\0');
    size_t received = 0;
    while (received < count) {
      if (!os::wait_readable(replies_.get(), timeout)) {
        return make_error(ErrorCode::deadline_exceeded, "it did not answer");
      }
      TRY_ASSIGN(const size_t more,
                 os::read_some(replies_.get(), std::span(bytes).subspan(received)));
      if (more == 0) return make_error(ErrorCode::unavailable, "it ended");
      received += more;
    }
    return bytes;
  }

  os::Child child_;
  os::Fd requests_;
  os::Fd replies_;
};

class RivalContender final : public Contender {
 public:
  RivalContender(std::string name, std::string flags, size_t dimension, FramedChild child)
      : Contender(std::move(name), std::move(flags), Engine::rival),
        dimension_(dimension),
        child_(std::move(child)) {}

  void begin_turn() override { value(os::signal_process(child_.pid(), SIGCONT)); }
  void end_turn() override { value(os::signal_process(child_.pid(), SIGSTOP)); }

  Result<std::vector<float>> embed(const Texts& texts, Cost& cost) override {
    const std::vector<uint32_t> count{static_cast<uint32_t>(texts.offsets.size() - 1)};
    const double cpu = exact_cpu_ms(child_.pid());
    TRY(child_.send(bytes_of(count), bytes_of(texts.offsets), bytes_of(texts.ids)));
    TRY_ASSIGN(const std::string reply, child_.receive(kAnswerTime));
    cost.cpu_ms = exact_cpu_ms(child_.pid()) - cpu;
    uint64_t nanoseconds = 0;
    std::vector<float> vectors(count.front() * dimension_);
    if (reply.size() != sizeof nanoseconds + vectors.size() * sizeof(float)) {
      return make_error(ErrorCode::unavailable, "{} sent {} bytes", name(), reply.size());
    }
    std::memcpy(&nanoseconds, reply.data(), sizeof nanoseconds);
    std::memcpy(vectors.data(), reply.data() + sizeof nanoseconds,
                reply.size() - sizeof nanoseconds);
    cost.wall_ms = static_cast<double>(nanoseconds) / 1e6;
    return vectors;
  }

  int pid() const override { return child_.pid(); }

  uint64_t own_bytes() const override { return os::anonymous_bytes_of(child_.pid()); }

 private:
  const size_t dimension_;
  FramedChild child_;
};

Error failed(const char* kind, const Error& error, const std::string& log_path) {
  const auto log = os::read_tail(log_path, kMostLogBytes);
  return make_error(ErrorCode::unavailable, "the rival {}: {}; it printed: {}", kind, error.message,
                    log ? *log : "nothing that can be read");
}

// Starts one, or says why this machine has none.
Status start_rival(const RivalSetting& setting, const char* kind, Rivals& rivals) {
  const std::string log_path = fmt::format("{}/{}.log", setting.directory, kind);
  TRY_ASSIGN(auto child, FramedChild::start(setting, kind, log_path));
  const auto received = child.receive(kStartTime);
  if (!received) return failed(kind, received.error(), log_path);
  TRY_ASSIGN(const Json hello, parse_json(*received));
  if (hello.contains("unavailable")) {
    rivals.unavailable.push_back(
        fmt::format("{}: {}", kind, hello["unavailable"].get<std::string>()));
    return {};
  }
  rivals.started.push_back(std::make_unique<RivalContender>(
      hello.at("name").get<std::string>(), hello.at("flags").get<std::string>(),
      hello.at("dimension").get<size_t>(), std::move(child)));
  rivals.started.back()->end_turn();
  return {};
}

}  // namespace

Result<Rivals> start_rivals(const RivalSetting& setting) {
  Rivals rivals;
  for (const char* kind : kKinds) {
    fmt::print(stderr, "starting the rival {}\n", kind);
    TRY(start_rival(setting, kind, rivals));
  }
  return rivals;
}

}  // namespace runed::bench
