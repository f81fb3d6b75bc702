#include "load_client.hpp"

#include <grpcpp/create_channel.h>

#include <algorithm>

#include "os/process/proc_file.hpp"

namespace runed::bench {
namespace {

constexpr std::chrono::milliseconds kPause{20};
constexpr std::chrono::milliseconds kMostPause{1000};

}  // namespace

Claim Work::claim(uint32_t most) {
  if (is_over()) return {};
  const uint64_t first = next_.fetch_add(most);
  if (first >= limit_) return {};
  return {first, static_cast<uint32_t>(std::min<uint64_t>(most, limit_ - first))};
}

bool Work::is_late() const {
  return stopped_ || std::chrono::steady_clock::now() >= until_.load();
}

LoadClient::LoadClient(Shared& shared, uint32_t number) : shared_(shared), random_(number + 1) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // Else all share one connection.
  channel_ = grpc::CreateCustomChannel("unix:" + shared.socket, grpc::InsecureChannelCredentials(),
                                       arguments);
  stub_ = v1::RunedService::NewStub(channel_);
}

bool LoadClient::wait_for_connection(std::chrono::seconds timeout) {
  return channel_->WaitForConnected(std::chrono::system_clock::now() + timeout);
}

LoadTally LoadClient::tally() const {
  const std::lock_guard lock(mutex_);
  return tally_;
}

void LoadClient::count_answer(uint64_t index, const v1::EmbedResponse& response) {
  shared_.answered = true;
  ++tally_.texts;
  tally_.tokens += response.token_count();
  if (shared_.expected == nullptr) return;
  shared_.expected->check(shared_.texts.number_of(index),
                          {response.vector().data(), static_cast<size_t>(response.vector_size())},
                          tally_);
}

void LoadClient::count_latency(SteadyTime since) {
  const double taken =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since).count();
  tally_.latencies_ms.push_back(static_cast<float>(taken));
  usual_ms_ += 0.1 * (taken - usual_ms_);
}

bool LoadClient::draw_cancel() {
  return std::uniform_real_distribution(0.0, 100.0)(random_) < shared_.options.cancel_percent;
}

std::chrono::microseconds LoadClient::draw_moment() {
  const double most = std::max(2 * usual_ms_, 1.0) * 1e3;
  return std::chrono::microseconds(
      static_cast<int64_t>(std::uniform_real_distribution(0.0, most)(random_)));
}

std::chrono::milliseconds pause_after(const Error& error) {
  const auto* const asked = error.facts.find(fact::kRetryAfter);
  if (asked == nullptr) return kPause;
  return std::clamp(std::chrono::ceil<std::chrono::milliseconds>(*asked),
                    std::chrono::milliseconds(kPause), std::chrono::milliseconds(kMostPause));
}

}  // namespace runed::bench
