// Clients of Embed and EmbedBatch.
#include <grpcpp/client_context.h>

#include "client/error_status.hpp"
#include "load_client.hpp"

namespace runed::bench {
namespace {

using Call = PopulationOptions::Call;

class UnaryClient final : public LoadClient {
 public:
  using LoadClient::LoadClient;

  void start() override {
    if (is_open_loop()) return;
    shared_.pending.add();
    send_next();
  }

  void send(const Claim& claim, SteadyTime intended) override {
    shared_.pending.add();
    send_texts(claim, intended);
  }

 private:
  // Kept by its callback, and gone with it.
  struct CallUnderWay {
    grpc::ClientContext context;
    v1::EmbedRequest request;
    v1::EmbedResponse response;
    v1::EmbedBatchRequest batch_request;
    v1::EmbedBatchResponse batch_response;
    Claim claim;
    SteadyTime intended;
    std::atomic<bool> cancelled{false};
  };
  using CallPointer = std::shared_ptr<CallUnderWay>;

  void send_next() {
    const Claim claim = shared_.work.claim(shared_.options.texts_of_call());
    if (claim.count == 0) {
      shared_.pending.done();
      return;
    }
    send_texts(claim, std::chrono::steady_clock::now());
  }

  void send_texts(const Claim& claim, SteadyTime intended) {
    const auto call = std::make_shared<CallUnderWay>();
    call->claim = claim;
    call->intended = intended;
    call->context.set_deadline(std::chrono::system_clock::now() + shared_.options.timeout);
    const auto done = [this, call](const grpc::Status& status) { on_done(*call, status); };
    plan_cancel(call);
    if (shared_.options.call == Call::batch) {
      for (uint32_t i = 0; i < claim.count; ++i) {
        call->batch_request.add_texts(shared_.texts.text(claim.first + i));
      }
      call->batch_request.set_model(shared_.options.model);
      stub_->async()->EmbedBatch(&call->context, &call->batch_request, &call->batch_response, done);
    } else {
      call->request.set_model(shared_.options.model);
      call->request.set_text(shared_.texts.text(claim.first));
      stub_->async()->Embed(&call->context, &call->request, &call->response, done);
    }
  }

  void plan_cancel(const CallPointer& call) {
    std::chrono::microseconds moment;
    {
      const std::lock_guard lock(mutex_);
      if (!draw_cancel()) return;
      moment = draw_moment();
    }
    const auto cancel = [weak = std::weak_ptr(call)] {
      const CallPointer found = weak.lock();
      if (found == nullptr) return;
      found->cancelled = true;
      found->context.TryCancel();
    };
    shared_.timer.at(std::chrono::steady_clock::now() + moment, cancel);
  }

  void on_done(const CallUnderWay& call, const grpc::Status& status) {
    std::optional<Error> error;
    if (!status.ok()) error = client::to_error(status);
    const bool cancelled = call.cancelled && status.error_code() == grpc::StatusCode::CANCELLED;
    {
      const std::lock_guard lock(mutex_);
      ++tally_.calls;
      if (cancelled) {
        ++tally_.cancelled;
      } else if (error) {
        tally_.fail(*error);
      } else {
        count_latency(call.intended);
        count_answers(call);
      }
      failures_in_a_row_ = error && !cancelled ? failures_in_a_row_ + 1 : 0;
    }
    if (is_open_loop()) {
      shared_.pending.done();
    } else if (error && !cancelled) {
      go_on_after(*error, call);
    } else {
      send_next();
    }
  }

  void count_answers(const CallUnderWay& call) {
    if (shared_.options.call != Call::batch) {
      count_answer(call.claim.first, call.response);
      return;
    }
    const auto answers = static_cast<uint32_t>(call.batch_response.embeddings_size());
    for (uint32_t i = 0; i < std::min(answers, call.claim.count); ++i) {
      count_answer(call.claim.first + i, call.batch_response.embeddings(static_cast<int>(i)));
    }
    tally_.lost += call.claim.count - std::min(answers, call.claim.count);
    tally_.twice += answers - std::min(answers, call.claim.count);
  }

  // Texts that were refused for want of room are sent again: that is what the refusal asks for.
  void go_on_after(const Error& error, const CallUnderWay& call) {
    if (failures_in_a_row_ >= kMostFailuresInARow && error.code != ErrorCode::queue_full) {
      shared_.pending.done();
      return;
    }
    const bool again = error.code == ErrorCode::queue_full && !shared_.work.is_late();
    shared_.timer.at(std::chrono::steady_clock::now() + pause_after(error),
                     [this, again, claim = call.claim, intended = call.intended] {
                       again ? send_texts(claim, intended) : send_next();
                     });
  }

  uint32_t failures_in_a_row_ = 0;
};

}  // namespace

std::unique_ptr<LoadClient> make_unary_client(Shared& shared, uint32_t number) {
  return std::make_unique<UnaryClient>(shared, number);
}

}  // namespace runed::bench
