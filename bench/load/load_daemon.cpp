#include "load_daemon.hpp"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bench_home.hpp"
#include "client/error_status.hpp"
#include "os/machine/memory.hpp"
#include "os/process/process.hpp"

namespace runed::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kReadyTimeout = 120s;
constexpr auto kCallTimeout = 60s;

template <typename Request, typename Response, typename Method>
Status call(v1::RunedService::Stub& stub, Method method, const Request& request,
            Response& response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  context.set_wait_for_ready(true);
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return client::to_error(status);
  return {};
}

void raise(std::atomic<uint64_t>& most, uint64_t value) {
  uint64_t known = most;
  while (value > known && !most.compare_exchange_weak(known, value)) {
  }
}

template <typename Counts>
void add_difference(const Counts& before, const Counts& after, std::vector<int64_t>& to) {
  to.resize(std::max(to.size(), static_cast<size_t>(after.size())));
  for (int i = 0; i < after.size(); ++i) {
    to[static_cast<size_t>(i)] += after[i] - (i < before.size() ? before[i] : 0);
  }
}

}  // namespace

ObservedDaemon::ObservedDaemon(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  stub_ = v1::RunedService::NewStub(
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments));
}

ObservedDaemon::~ObservedDaemon() = default;

Result<std::unique_ptr<ObservedDaemon>> ObservedDaemon::connect(const std::string& socket,
                                                                 const std::string& model) {
  std::unique_ptr<ObservedDaemon> daemon(new ObservedDaemon(socket));
  using Stub = v1::RunedService::Stub;
  const auto deadline = std::chrono::steady_clock::now() + kReadyTimeout;
  v1::HealthResponse health;
  while (true) {
    TRY(call(*daemon->stub_, &Stub::Health, v1::HealthRequest(), health));
    if (health.status() == v1::HealthResponse::STATUS_OK ||
        health.status() == v1::HealthResponse::STATUS_IDLE) {
      break;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return make_error(ErrorCode::unavailable, "the daemon does not get ready: {}",
                        health.message());
    }
    std::this_thread::sleep_for(50ms);
  }
  daemon->model_ = model;
  if (!model.empty()) TRY(daemon->embed("warm"));  // It may be loaded by that.
  v1::InfoRequest request;
  request.set_model(model);
  TRY(call(*daemon->stub_, &Stub::Info, request, daemon->info_));
  daemon->watcher_ =
      std::jthread([raw = daemon.get()](const std::stop_token& stop) { raw->watch_memory(stop); });
  return daemon;
}

void ObservedDaemon::watch_memory(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    raise(peak_resident_, os::resident_bytes_of(info_.pid()));
    raise(peak_own_, os::anonymous_bytes_of(info_.pid()));
    std::this_thread::sleep_for(100ms);
  }
}

Result<v1::EmbedResponse> ObservedDaemon::embed(const std::string& text) {
  v1::EmbedRequest request;
  request.set_text(text);
  request.set_model(model_);
  v1::EmbedResponse response;
  TRY(call(*stub_, &v1::RunedService::Stub::Embed, request, response));
  return response;
}

Result<DaemonLook> ObservedDaemon::look() {
  DaemonLook found;
  v1::HealthRequest request;
  request.set_model(model_);
  TRY(call(*stub_, &v1::RunedService::Stub::Health, request, found.health));
  const int pid = info_.pid();
  found.cpu = os::cpu_time_of(pid);
  for (const int child : children_of(pid)) found.cpu += os::cpu_time_of(child);
  found.resident_bytes = os::resident_bytes_of(pid);
  found.own_bytes = os::anonymous_bytes_of(pid);
  raise(peak_resident_, found.resident_bytes);
  raise(peak_own_, found.own_bytes);
  return found;
}

void DaemonWork::add(const DaemonLook& before, const DaemonLook& after) {
  const v1::LoadStatistics& a = before.health.load();
  const v1::LoadStatistics& b = after.health.load();
  passes += b.passes() - a.passes();
  texts += b.pass_texts() - a.pass_texts();
  tokens += b.pass_tokens() - a.pass_tokens();
  microseconds += b.pass_microseconds() - a.pass_microseconds();
  cached += b.cached_texts() - a.cached_texts();
  shared += b.shared_texts() - a.shared_texts();
  refused += b.refused_calls() - a.refused_calls();
  cancelled += b.cancelled_calls() - a.cancelled_calls();
  cpu += after.cpu - before.cpu;
  add_difference(a.wait_counts(), b.wait_counts(), wait_counts);
  add_difference(a.pass_text_counts(), b.pass_text_counts(), pass_text_counts);
}

double bucket_percentile(const std::vector<int64_t>& counts, double share) {
  const auto all = static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  double below = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= share * all) {
      const double low = i == 0 ? 0 : std::exp2(static_cast<double>(i) - 1);
      const double high = std::exp2(static_cast<double>(i));
      return low + (high - low) * (share * all - below) / here;
    }
    below += here;
  }
  return 0;
}

}  // namespace runed::bench
