#include "embed/llama_server/protocol/server_pass.hpp"

#include <algorithm>
#include <utility>

#include "embed/llama_server/protocol/embedding_reply.hpp"

namespace runed::embed::llama_server {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMostUnderWay = 2;  // One computes, the next one waits.
constexpr milliseconds kLook{50};    // How soon an interruption and the process's end are seen.
constexpr milliseconds kFreeze{3000};
constexpr milliseconds kProbeInterval{1000};
constexpr milliseconds kProbeTime{5000};
constexpr milliseconds kEndTime{1000};  // From a connection that broke to the end of the process.

}  // namespace

ServerPass::ServerPass(const Server& server, const PackedBatch& batch, uint32_t request_tokens,
                       const Liveness::Limits& limits)
    : server_(server),
      batch_(batch),
      liveness_(limits, server.clock.steady_now(), batch.ids.size(), server.process.cpu_time()),
      probed_(server.clock.steady_now()),
      looked_(probed_) {
  const size_t texts = batch.offsets.size() - 1;
  for (size_t first = 0; first < texts;) {
    size_t last = first + 1;
    while (last < texts && batch.offsets[last + 1] - batch.offsets[first] <= request_tokens) ++last;
    parts_.push_back({first, last});
    first = last;
  }
}

Result<std::vector<float>> ServerPass::run(uint32_t dimension) {
  vectors_.resize((batch_.offsets.size() - 1) * dimension);
  while (!failure_.has_value() && (next_ < parts_.size() || under_way_ > 0)) {
    while (next_ < parts_.size() && under_way_ < kMostUnderWay) send_next(dimension);
    server_.client.run(kLook);
    if (failure_.has_value()) break;
    if (Status watched = watch(); !watched) failure_ = std::move(watched).error();
  }
  if (failure_.has_value()) return *std::move(failure_);
  return std::move(vectors_);
}

void ServerPass::send_next(uint32_t dimension) {
  const Part part = parts_[next_++];
  ++under_way_;
  server_.client.send({.path = "/v1/embeddings",
                       .body = write_request(batch_, part.first, part.last),
                       .most_reply_bytes = most_reply_bytes(part.last - part.first, dimension)},
                      [this, part, dimension](HttpReply reply) {
                        --under_way_;
                        take(part, std::move(reply), dimension);
                      });
}

void ServerPass::take(const Part& part, HttpReply reply, uint32_t dimension) {
  if (failure_.has_value()) return;
  if (reply.status == 0) {
    failure_ = lost(reply.failure);
    return;
  }
  liveness_.answered(server_.clock.steady_now());
  if (reply.status != kHttpOk) {
    failure_ = make_error(ErrorCode::engine_fault, "llama-server answered {}",
                          read_failure(reply.status, reply.body));
    return;
  }
  auto vectors = read_reply(reply.body, part.last - part.first, dimension);
  if (!vectors) {
    failure_ = std::move(vectors).error();
    if (const auto* const index = failure_->facts.find(fact::kIndex)) {
      failure_->facts.set(fact::kIndex, *index + part.first);
    }
    return;
  }
  if (dimension == 0) {
    vectors_ = *std::move(vectors);
  } else {
    std::ranges::copy(*vectors,
                      vectors_.begin() + static_cast<std::ptrdiff_t>(part.first * dimension));
  }
}

// The probe's connection is its own, so a server that is busy with a pass can still answer it.
void ServerPass::probe() {
  probing_ = true;
  server_.client.send(health_request(kProbeTime), [this](const HttpReply& reply) {
    probing_ = false;
    probed_ = server_.clock.steady_now();
    if (reply.status != 0) liveness_.answered(probed_);
  });
}

Status ServerPass::watch() {
  if (server_.is_interrupted) return make_error(ErrorCode::shutting_down, "the engine is stopped");
  if (batch_.is_wanted != nullptr && !(*batch_.is_wanted)()) return unwanted_error();
  if (server_.process.has_ended()) return server_.process.how_it_ended();
  const SteadyTime now = server_.clock.steady_now();
  // Whatever kept this thread from looking for so long (a freeze of both) may have kept the server.
  if (now - looked_ > kFreeze) liveness_.answered(now);
  looked_ = now;
  if (!probing_ && now - probed_ > kProbeInterval) probe();
  liveness_.used(server_.process.cpu_time(), now);
  switch (liveness_.judge(now)) {
    case Liveness::Verdict::alive:
      return {};
    case Liveness::Verdict::silent:
      return server_.process.describe_fault("llama-server hangs: it neither answers nor computes");
    case Liveness::Verdict::overdue:
      break;
  }
  return server_.process.describe_fault(
      fmt::format("llama-server hangs: {} tokens are not done", batch_.ids.size()));
}

// A connection that breaks is most often the first one hears of the process's end.
Error ServerPass::lost(const std::string& reason) {
  if (server_.process.wait_for_end(kEndTime)) return server_.process.how_it_ended();
  return make_error(ErrorCode::engine_fault, "llama-server broke its answer off: {}", reason);
}

}  // namespace runed::embed::llama_server
