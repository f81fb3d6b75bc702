#include "client/client.hpp"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel_posix.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "client/error_status.hpp"
#include "os/machine/thread_room.hpp"
#include "os/net/unix_socket.hpp"
#include "os/process/child.hpp"
#include "os/process/process.hpp"
#include "runed/v1/runed.grpc.pb.h"

namespace runed::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kControlTimeout{5000};  // Info, Health and Shutdown answer in every state.
constexpr milliseconds kLoadPoll{2000};        // How often it is asked how far a load is.
constexpr milliseconds kMargin{5000};          // For gRPC, beyond the deadline that it is given.
constexpr milliseconds kFirstPoll{5};
constexpr milliseconds kLongestPoll{250};
constexpr milliseconds kDeath{500};        // Of a process whose connections are closed already.
constexpr milliseconds kLongestEnd{2000};  // Of a daemon that is ending when it is reached.

template <typename Request, typename Response>
using Method = grpc::Status (v1::RunedService::Stub::*)(grpc::ClientContext*, const Request&,
                                                        Response*);

template <typename Request, typename Response>
Result<Response> call(v1::RunedService::Stub& stub, TimeLimit& limit,
                      Method<Request, Response> method, const Request& request,
                      milliseconds timeout) {
  const TimeLimit::Step step(limit, timeout + kMargin);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (status.ok()) return response;
  Error error = to_error(status);
  if (error.code == ErrorCode::deadline_exceeded) {
    error.message = "the daemon does not answer";
    error.hint = "it may be stopped, or the machine busy; 'runed shutdown --force' ends it";
  }
  return error;
}

// What gRPC (1.51) has in a process with one channel: pollers by the number of CPUs, executors, timers.
// Two more are StreamCall's.
size_t grpc_threads() {
  return 8 + std::clamp<size_t>(std::thread::hardware_concurrency(), 2, 16);
}

}  // namespace

struct Client::Connection {
  Connection(int daemon_pid, DialledDaemon dialled, std::shared_ptr<TimeLimit> time_limit)
      : pid(daemon_pid),
        was_started(dialled.was_started),
        process(std::move(dialled.process)),
        log_begin(dialled.log_begin),
        limit(std::move(time_limit)) {
    const TimeLimit::Step step(*limit, kMargin);
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    channel =
        grpc::CreateCustomInsecureChannelFromFd("runed", dialled.connection.release(), arguments);
    stub = v1::RunedService::NewStub(channel);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // With too few threads gRPC (1.51) waits here for one that it could not start.
  ~Connection() {
    const TimeLimit::Step step(*limit, kMargin);
    stub.reset();
    channel.reset();
  }

  int pid;
  bool was_started;
  std::shared_ptr<os::Child> process;  // If it was.
  uint64_t log_begin;
  std::shared_ptr<TimeLimit> limit;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::RunedService::Stub> stub;
};

Client::Client(ClientOptions options, std::shared_ptr<TimeLimit> limit,
               std::unique_ptr<Connection> connection)
    : options_(std::move(options)),
      limit_(std::move(limit)),
      until_(std::chrono::steady_clock::now() + options_.timeout),
      connection_(std::move(connection)) {}

Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<std::unique_ptr<Client::Connection>> Client::open(const ClientOptions& options,
                                                         milliseconds timeout,
                                                         std::shared_ptr<TimeLimit> limit) {
  DialledDaemon dialled;
  if (options.start == StartPolicy::on_demand) {
    const StartOptions start{.timeout = timeout, .on_wait = options.on_wait};
    TRY_ASSIGN(dialled, dial_or_start_daemon(options.daemon, start));
  } else {
    TRY_ASSIGN(dialled.connection, dial_daemon(options.daemon));
  }
  TRY_ASSIGN(const auto peer, os::peer_credentials(dialled.connection.get()));
  // Once the daemon, which may be of the same limits, has its own.
  TRY(os::check_thread_room(grpc_threads()));
  return std::make_unique<Connection>(peer.pid, std::move(dialled), std::move(limit));
}

Result<Client> Client::connect(ClientOptions options) {
  const SteadyTime begin = std::chrono::steady_clock::now();
  TRY_ASSIGN(std::shared_ptr<TimeLimit> limit, TimeLimit::start(options.on_stuck));
  TRY_ASSIGN(auto connection, open(options, options.timeout, limit));
  Client client(std::move(options), std::move(limit), std::move(connection));
  client.until_ = begin + client.options_.timeout;
  return client;
}

Result<milliseconds> Client::time_left() const {
  const auto left =
      std::chrono::duration_cast<milliseconds>(until_ - std::chrono::steady_clock::now());
  if (left.count() <= 0) {
    return make_error(ErrorCode::deadline_exceeded, "the daemon did not answer in time")
        .with_hint("allow more with --timeout; 'runed status' tells what it is doing");
  }
  return left;
}

// Once more on a new connection, if the daemon went away under the call.
template <typename Call>
auto Client::with_reconnect(const Call& call) -> decltype(call()) {
  auto result = call();
  if (result || options_.start != StartPolicy::on_demand ||
      (result.error().code != ErrorCode::unavailable &&
       result.error().code != ErrorCode::shutting_down)) {
    if (!result) return explain(std::move(result).error());
    return result;
  }
  TRY(reconnect());
  Status ready = wait_ready_once();  // While it loads it cannot tell which model it has.
  if (!ready) return explain(std::move(ready).error());
  result = call();
  if (!result) return explain(std::move(result).error());
  return result;
}

// Who ended a connection, and by what, where its end says no more than that.
Error Client::explain(Error error) const {
  if (error.message != kConnectionLost) return error;
  const Connection& lost = *connection_;
  const std::string& log = options_.daemon.log_path;
  if (lost.process != nullptr) {
    const auto status = lost.process->wait(kDeath);
    if (status && status->has_value()) {
      error.message = fmt::format("the daemon (pid {}) {}", lost.pid, (*status)->describe());
      return std::move(error).with_hint(quote_log(log, lost.log_begin));
    }
  }
  error.message =
      fmt::format("the daemon (pid {}) {}", lost.pid,
                  os::wait_for_exit(lost.pid, kDeath) ? "has ended" : "closed the connection");
  return std::move(error).with_hint(
      fmt::format("its log is '{}', or where 'runed serve' was told to write it", log));
}

Status Client::reconnect() {
  TRY_ASSIGN(const milliseconds left, time_left());
  TRY_ASSIGN(connection_, open(options_, left, limit_));
  return {};
}

const std::shared_ptr<grpc::Channel>& Client::channel() const {
  return connection_->channel;
}

void Client::note_progress() {
  until_ = std::chrono::steady_clock::now() + options_.timeout;
}

Status Client::use_model(WantedModel model) {
  wanted_ = std::move(model);
  return with_reconnect([this] { return load_once(); });
}

Status Client::wait_ready() {
  return with_reconnect([this] { return wait_ready_once(); });
}

Result<InfoReport> Client::info() {
  return with_reconnect([this] { return info_once(); });
}

// Info and Health are answered at once in every state. A daemon that does not may be stopped, or have
// no time: it is asked again for as long as its client is willing to wait.
template <typename Method, typename Request>
auto Client::ask(Method method, const Request& request) {
  using Answer = decltype(call(*connection_->stub, *limit_, method, request, kControlTimeout));
  while (true) {
    const auto left = time_left();
    if (!left) return Answer(left.error());
    Answer answer =
        call(*connection_->stub, *limit_, method, request, std::min(*left, kControlTimeout));
    if (answer || answer.error().code != ErrorCode::deadline_exceeded) return answer;
  }
}

Status Client::wait_ready_once() {
  milliseconds pause = kFirstPoll;
  HealthReport before;
  while (true) {
    TRY_ASSIGN(const auto wire, ask(&v1::RunedService::Stub::Health, v1::HealthRequest{}));
    const HealthReport report = to_report(wire);
    if (report.state == "shutting_down") {
      if (options_.start == StartPolicy::on_demand && !connection_->was_started) {
        // Why it ends need not be true of the next one, which with_reconnect starts.
        os::wait_for_exit(connection_->pid, kLongestEnd);
        return make_error(ErrorCode::shutting_down, "the daemon is shutting down");
      }
      return make_error(find_error_code(report.reason).value_or(ErrorCode::shutting_down), "{}",
                        report.message.empty() ? "the daemon is shutting down" : report.message);
    }
    if (wanted_.has_value()) return load_once();  // It need not wait for the default one.
    if (report.state != "loading") return {};
    if (options_.on_loading) options_.on_loading(report);
    if (report.phase != before.phase || report.bytes_done > before.bytes_done) note_progress();
    before = report;
    TRY_ASSIGN(const milliseconds left, time_left());
    std::this_thread::sleep_for(std::min(left, pause));
    pause = std::min(pause * 2, kLongestPoll);
  }
}

// A call that waits for long would not tell how far the daemon is, and one that is given up has the
// daemon go on all the same.
Status Client::load_once() {
  v1::LoadModelRequest request;
  request.set_name(wanted_->name);
  request.set_path(wanted_->path);
  HealthReport before;
  while (true) {
    TRY_ASSIGN(const milliseconds left, time_left());
    const auto loaded = call(*connection_->stub, *limit_, &v1::RunedService::Stub::LoadModel,
                             request, std::min(left, kLoadPoll));
    if (loaded) {
      model_ = loaded->model().names(0);
      loaded_identity_ = loaded->model().model_identity();
      return {};
    }
    if (loaded.error().code != ErrorCode::deadline_exceeded) return loaded.error();
    v1::HealthRequest how_far;
    how_far.set_model(wanted_->name);
    TRY_ASSIGN(const auto wire, ask(&v1::RunedService::Stub::Health, how_far));
    const HealthReport report = to_report(wire);
    if (options_.on_loading) options_.on_loading(report);
    if (report.phase != before.phase || report.bytes_done > before.bytes_done) note_progress();
    before = report;
  }
}

Result<v1::RerankResponse> Client::ask_for_scores(const v1::RerankRequest& request) {
  return with_reconnect([&] { return score_once(request); });
}

Result<v1::RerankResponse> Client::score_once(const v1::RerankRequest& request) {
  while (true) {
    TRY_ASSIGN(const milliseconds left, time_left());
    auto scored = call(*connection_->stub, *limit_, &v1::RunedService::Stub::Rerank, request, left);
    if (scored || scored.error().code != ErrorCode::queue_full) return scored;
    std::this_thread::sleep_for(std::min(left, kLongestPoll));
  }
}

Result<InfoReport> Client::info_once() {
  v1::InfoRequest request;
  request.set_model(model_);
  TRY_ASSIGN(const auto wire, ask(&v1::RunedService::Stub::Info, request));
  InfoReport report = to_report(wire);
  note_daemon(report);
  // Names are of config.json, which the daemon may have read again.
  if (!model_.empty() && report.model_identity != loaded_identity_) {
    return make_error(ErrorCode::model_mismatch,
                      "'{}' is another model than the one that was loaded", model_)
        .with_hint("run the command again");
  }
  return report;
}

void Client::note_daemon(const InfoReport& report) {
  const bool is_other =
      known_.has_value() && (known_->pid != report.pid || known_->started_at != report.started_at);
  if (is_other && options_.on_replaced) options_.on_replaced(*known_, report);
  known_ = report;
}

Result<HealthReport> Client::health() {
  const auto wire = call(*connection_->stub, *limit_, &v1::RunedService::Stub::Health,
                         v1::HealthRequest{}, kControlTimeout);
  if (!wire) return explain(wire.error());
  return to_report(*wire);
}

Result<std::vector<ModelReport>> Client::models() {
  const auto wire = call(*connection_->stub, *limit_, &v1::RunedService::Stub::ListModels,
                         v1::ListModelsRequest{}, kControlTimeout);
  if (!wire) return explain(wire.error());
  return to_report(*wire);
}

Result<ReloadReport> Client::reload() {
  const auto wire = call(*connection_->stub, *limit_, &v1::RunedService::Stub::Reload,
                         v1::ReloadRequest{}, kControlTimeout);
  if (!wire) return explain(wire.error());
  return to_report(*wire);
}

Status Client::shutdown(int grace_seconds) {
  v1::ShutdownRequest request;
  request.set_grace_seconds(grace_seconds);
  const auto asked = call(*connection_->stub, *limit_, &v1::RunedService::Stub::Shutdown, request,
                          kControlTimeout);
  if (!asked) return explain(asked.error());
  return {};
}

bool Client::started_daemon() const {
  return connection_->was_started;
}

int Client::daemon_pid() const {
  return connection_->pid;
}

}  // namespace runed::client
