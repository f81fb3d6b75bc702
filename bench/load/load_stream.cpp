// Clients of EmbedStream: one stream each, written and read at the same time.
#include <grpcpp/client_context.h>

#include <deque>
#include <unordered_map>

#include "client/error_status.hpp"
#include "google/rpc/status.pb.h"
#include "load_client.hpp"

namespace runed::bench {
namespace {

using std::chrono::steady_clock;

class StreamClient final : public LoadClient {
 public:
  using LoadClient::LoadClient;

  void start() override {
    shared_.pending.add();
    open();
  }

  void send(const Claim& claim, SteadyTime intended) override {
    {
      const std::lock_guard lock(mutex_);
      due_.push_back({claim, intended});
    }
    write_next();
  }

  void end_of_sending() override {
    {
      const std::lock_guard lock(mutex_);
      sending_ended_ = true;
    }
    write_next();
  }

 private:
  // A stream, which forwards what happens to it and lives until gRPC is done with it.
  class Stream final
      : public grpc::ClientBidiReactor<v1::EmbedStreamRequest, v1::EmbedStreamResponse> {
   public:
    explicit Stream(StreamClient& client) : client_(client) {}

    void begin(std::shared_ptr<Stream> self) {
      self_ = std::move(self);
      client_.stub_->async()->EmbedStream(&context, this);
      AddHold();  // While the writing is not over: writes can begin outside of reactions.
      StartRead(&response);
      StartCall();
    }

    grpc::ClientContext context;
    v1::EmbedStreamRequest request;
    v1::EmbedStreamResponse response;
    std::atomic<bool> cancelled{false};

   private:
    void OnWriteDone(bool ok) override { client_.on_write_done(*this, ok); }
    void OnReadDone(bool ok) override { client_.on_read_done(*this, ok); }
    void OnDone(const grpc::Status& status) override {
      const auto self = std::move(self_);
      client_.on_done(*this, status);
    }

    StreamClient& client_;
    std::shared_ptr<Stream> self_;
  };

  struct Due {
    Claim claim;
    SteadyTime intended;
  };

  void open() {
    const auto stream = std::make_shared<Stream>(*this);
    {
      const std::lock_guard lock(mutex_);
      stream_ = stream;
      is_writing_ = true;  // Until gRPC knows the stream.
      writing_ended_ = false;
      if (draw_cancel()) plan_cancel(stream);
    }
    stream->begin(stream);
    {
      const std::lock_guard lock(mutex_);
      if (stream_ == stream) is_writing_ = false;
    }
    write_next();
  }

  void plan_cancel(const std::shared_ptr<Stream>& stream) {
    const auto cancel = [weak = std::weak_ptr(stream)] {
      const auto found = weak.lock();
      if (found == nullptr) return;
      found->cancelled = true;
      found->context.TryCancel();
    };
    shared_.timer.at(steady_clock::now() + 10 * draw_moment(), cancel);
  }

  // Begins the next write, or ends the writing, unless a write is under way. gRPC is called without
  // the lock; the flags that were set under it keep everybody else away.
  void write_next() {
    std::shared_ptr<Stream> stream;
    bool ends = false;
    {
      const std::lock_guard lock(mutex_);
      if (stream_ == nullptr || is_writing_ || writing_ended_) return;
      if (!is_open_loop()) {
        const Claim claim = shared_.work.claim(1);
        if (claim.count > 0) due_.push_back({claim, steady_clock::now()});
        ends = due_.empty();
      } else if (due_.empty()) {
        if (!sending_ended_) return;
        ends = true;
      }
      stream = stream_;
      writing_ended_ = ends;
      is_writing_ = !ends;
      if (!ends) take_due(*stream);
    }
    if (!ends) {
      stream->StartWrite(&stream->request);
      return;
    }
    stream->StartWritesDone();
    stream->RemoveHold();
  }

  void take_due(Stream& stream) {
    const auto [claim, intended] = due_.front();
    due_.pop_front();
    unanswered_[claim.first] = intended;
    auto* item = stream.request.mutable_item();
    item->set_id(claim.first);
    item->set_text(shared_.texts.text(claim.first));
  }

  // Nothing can be written any more.
  void break_off(Stream& stream) {
    {
      const std::lock_guard lock(mutex_);
      if (writing_ended_) return;
      writing_ended_ = true;
    }
    stream.RemoveHold();
  }

  void on_write_done(Stream& stream, bool ok) {
    if (!ok) {
      break_off(stream);
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      is_writing_ = false;
    }
    write_next();
  }

  void on_read_done(Stream& stream, bool ok) {
    if (!ok) {
      break_off(stream);
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      count_result(stream.response);
      failures_in_a_row_ = 0;
    }
    stream.StartRead(&stream.response);
  }

  void count_result(const v1::EmbedStreamResponse& response) {
    const auto found = unanswered_.find(response.id());
    if (found == unanswered_.end()) {
      ++tally_.twice;
      return;
    }
    const SteadyTime intended = found->second;
    unanswered_.erase(found);
    if (response.has_error()) {
      const auto& error = response.error();
      tally_.fail(client::to_error({static_cast<grpc::StatusCode>(error.code()), error.message(),
                                    error.SerializeAsString()}));
      return;
    }
    count_latency(intended);
    count_answer(response.id(), response.embedding());
  }

  void on_done(Stream& stream, const grpc::Status& status) {
    std::optional<Error> error;
    const bool cancelled = stream.cancelled && status.error_code() == grpc::StatusCode::CANCELLED;
    if (!status.ok() && !cancelled) error = client::to_error(status);
    bool goes_on = false;
    {
      const std::lock_guard lock(mutex_);
      stream_ = nullptr;
      ++tally_.calls;
      (status.ok() ? tally_.lost : tally_.unanswered) += unanswered_.size();
      unanswered_.clear();
      if (cancelled) ++tally_.cancelled;
      if (error) tally_.fail(*error);
      failures_in_a_row_ = error ? failures_in_a_row_ + 1 : 0;
      const bool is_useless = failures_in_a_row_ >= kMostFailuresInARow ||
                              status.error_code() == grpc::StatusCode::UNIMPLEMENTED;
      const bool has_more =
          is_open_loop() ? !sending_ended_ || !due_.empty() : !shared_.work.is_over();
      goes_on = has_more && !is_useless;
    }
    if (!goes_on) {
      shared_.pending.done();
    } else {
      const auto pause = error ? pause_after(*error) : std::chrono::milliseconds(0);
      shared_.timer.at(steady_clock::now() + pause, [this] { open(); });
    }
  }

  std::shared_ptr<Stream> stream_;
  bool is_writing_ = false;
  bool writing_ended_ = false;  // Of this stream, in whatever way.
  bool sending_ended_ = false;  // Open loop.
  std::deque<Due> due_;
  std::unordered_map<uint64_t, SteadyTime> unanswered_;
  uint32_t failures_in_a_row_ = 0;
};

class StalledClient final : public LoadClient {
 public:
  StalledClient(Shared& shared, uint32_t number)
      : LoadClient(shared, number), stream_(*this), next_(uint64_t{1} << 40) {}

  void start() override {
    ended_.add();
    stub_->async()->EmbedStream(&stream_.context, &stream_);
    write();
    stream_.StartCall();
  }

  void send(const Claim& /*claim*/, SteadyTime /*intended*/) override {}

  void finish() override {
    stream_.context.TryCancel();
    ended_.wait();
  }

 private:
  struct Stream final : grpc::ClientBidiReactor<v1::EmbedStreamRequest, v1::EmbedStreamResponse> {
    explicit Stream(StalledClient& stalled) : client(stalled) {}

    void OnWriteDone(bool ok) override {
      if (!ok) return;
      {
        const std::lock_guard lock(client.mutex_);
        ++client.tally_.stalled_writes;
      }
      client.write();
    }
    void OnDone(const grpc::Status& status) override {
      if (status.error_code() != grpc::StatusCode::CANCELLED) {
        const std::lock_guard lock(client.mutex_);
        client.tally_.fail(client::to_error(status));
      }
      client.ended_.done();
    }

    StalledClient& client;
    grpc::ClientContext context;
    v1::EmbedStreamRequest request;
  };

  // Its texts are its own: the numbers of the others are counted.
  void write() {
    stream_.request.mutable_item()->set_id(next_);
    stream_.request.mutable_item()->set_text(shared_.texts.text(next_));
    ++next_;
    stream_.StartWrite(&stream_.request);
  }

  Stream stream_;
  uint64_t next_;
  Pending ended_;
};

}  // namespace

std::unique_ptr<LoadClient> make_stream_client(Shared& shared, uint32_t number) {
  return std::make_unique<StreamClient>(shared, number);
}

std::unique_ptr<LoadClient> make_stalled_client(Shared& shared, uint32_t number) {
  return std::make_unique<StalledClient>(shared, number);
}

}  // namespace runed::bench
