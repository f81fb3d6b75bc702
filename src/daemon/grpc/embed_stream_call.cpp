// One stream of texts. Each is a job of its own: in bulk, taking turns with other callers. Nothing is
// held for a client but what the bounds below allow: the next text is read only while less than that
// is under way, so gRPC's flow control holds a client back that sends faster than the engine
// computes, and one that does not read its results.
//
//   read ─▶ under way (in the queue, or computed and not yet sent) ─▶ sent
//
// Messages are parsed here: to a typed callback one that cannot be parsed looks like the end of the
// stream, and the client would be told that all went well. A frame without an item has no id that it
// could be answered by, so it ends the stream.
//
// The stream ends when nothing is under way any more and either the client has sent its last text or
// an error concerns the whole stream. Whoever finds that under the lock finishes it, once.
#include "daemon/grpc/embed_stream_call.hpp"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "daemon/api/admission.hpp"
#include "daemon/api/open_streams.hpp"
#include "daemon/grpc/error_status.hpp"
#include "daemon/grpc/message_bytes.hpp"
#include "daemon/grpc/wire.hpp"
#include "daemon/models/scheduler.hpp"
#include "google/rpc/status.pb.h"

namespace runed::daemon {
namespace {

using Request = v1::raw::EmbedStreamRequest;
using Response = v1::EmbedStreamResponse;

constexpr size_t kBytesUnderWay = 128 << 10;  // Of text; one text of any size is taken.

class EmbedStreamCall final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                              public OpenStream,
                              public std::enable_shared_from_this<EmbedStreamCall> {
 public:
  EmbedStreamCall(Admission& admission, Scheduler& scheduler, OpenStreams& streams)
      : admission_(admission),
        scheduler_(scheduler),
        streams_(streams),
        flow_(scheduler.new_flow()) {}

  void start() {
    streams_.add(shared_from_this());
    std::unique_lock lock(mutex_);
    if (Status open = admission_.check_state(); !open) end_with(to_status(open.error()));
    go_on(lock);
  }

  void close() override {
    std::unique_lock lock(mutex_);
    end_with(to_status(make_error(ErrorCode::shutting_down, "the daemon is shutting down")));
    go_on(lock);
  }

 private:
  void OnReadDone(bool ok) override {
    std::unique_lock lock(mutex_);
    reading_ = false;
    if (!ok) {
      all_read_ = true;
    } else if (!end_.has_value()) {
      take_frame(lock);
    }
    go_on(lock);
  }

  void OnWriteDone(bool ok) override {
    std::unique_lock lock(mutex_);
    writing_ = false;
    under_way_bytes_ -= unsent_.front().bytes;
    --under_way_;
    unsent_.pop_front();
    if (!ok) give_up();
    go_on(lock);
  }

  void OnCancel() override {
    std::unique_lock lock(mutex_);
    give_up();
    go_on(lock);
  }

  void OnDone() override {
    streams_.remove(this);  // Who ends here.
  }

  void take_frame(std::unique_lock<std::mutex>& lock) {
    Request request;
    Status taken = read_message(frame_, request);
    frame_.Clear();
    if (taken) taken = take(request, lock);
    if (!taken) end_with(to_status(taken.error()));
  }

  // The lock is not held while a text is tokenised.
  Status take(Request& request, std::unique_lock<std::mutex>& lock) {
    switch (request.payload_case()) {
      case Request::kOptions:
        if (is_admitted_) {
          return make_error(ErrorCode::invalid_argument, "the options must be the first frame")
              .with_detail("field", "options");
        }
        return admit(request.options());
      case Request::kItem:
        if (!is_admitted_) TRY(admit({}));
        submit(*request.mutable_item(), lock);
        return {};
      default:
        return make_error(ErrorCode::invalid_argument, "the frame has no item")
            .with_hint("a frame is {\"item\": {\"id\": ..., \"text\": ...}}, or the options")
            .with_detail("field", "item");
    }
  }

  Status admit(const v1::raw::EmbedOptions& options) {
    TRY_ASSIGN(route_, admission_.admit(options.with_route()));
    TRY_ASSIGN(options_, read_options(options));
    is_admitted_ = true;
    return {};
  }

  void submit(v1::raw::EmbedStreamItem& item, std::unique_lock<std::mutex>& lock) {
    std::string text = std::move(*item.mutable_text());
    const uint64_t id = item.id();
    const size_t bytes = text.size();
    under_way_bytes_ += bytes;
    ++under_way_;
    ++waiting_;
    Job job{.texts = {},
            .options = options_,
            .priority = Priority::bulk,
            .room = Room::reserved,
            .flow = flow_,
            .route = route_,
            .is_cancelled = [cancelled = cancelled_] { return cancelled->load(); },
            .done = [this, id, bytes](auto result) { answer(id, bytes, std::move(result)); }};
    job.texts.push_back(std::move(text));
    lock.unlock();
    scheduler_.submit(std::move(job));
    lock.lock();
  }

  void answer(uint64_t id, size_t bytes, const Result<std::vector<Embedding>>& result) {
    // Not a fault of the text: the client has to send it to another daemon.
    std::optional<grpc::Status> refusal;
    if (!result && result.error().code == ErrorCode::shutting_down) {
      refusal = to_status(result.error());
    }
    std::unique_lock lock(mutex_, std::defer_lock);
    try {
      grpc::ByteBuffer message = serialise(id, result);
      lock.lock();
      if (!refusal.has_value() && !*cancelled_) {
        unsent_.push_back({.message = std::move(message), .bytes = bytes});
        --waiting_;
        go_on(lock);
        return;
      }
    } catch (
        const std::exception& fault) {  // Out of memory. The text must be counted all the same.
      refusal = to_status(
          make_error(ErrorCode::internal, "cannot answer text {}: {}", id, fault.what()));
    }
    if (!lock.owns_lock()) lock.lock();
    if (refusal.has_value()) end_with(*std::move(refusal));
    under_way_bytes_ -= bytes;
    --under_way_;
    --waiting_;
    go_on(lock);
  }

  grpc::ByteBuffer serialise(uint64_t id, const Result<std::vector<Embedding>>& result) const {
    Response response;
    response.set_id(id);
    if (result) {
      fill(result->front(), route_.get(), *response.mutable_embedding());
    } else {
      *response.mutable_error() = to_message(result.error());
    }
    grpc::ByteBuffer message;
    write_message(response, message);
    return message;
  }

  void end_with(grpc::Status status) {
    if (!end_.has_value()) end_ = std::move(status);
  }

  // Nobody reads any more: what waits is void, what is computed is not sent.
  void give_up() {
    *cancelled_ = true;
    end_with(grpc::Status::CANCELLED);
    while (unsent_.size() > (writing_ ? 1 : 0)) {
      under_way_bytes_ -= unsent_.back().bytes;
      --under_way_;
      unsent_.pop_back();
    }
  }

  // Starts whatever can be done next. Reads and writes are started under the lock, which gRPC never
  // takes a callback under; after Finish another thread may end this object, so that comes last.
  void go_on(std::unique_lock<std::mutex>& lock) {
    const bool is_over = all_read_ || end_.has_value();
    if (is_over && waiting_ == 0 && unsent_.empty() && !finished_) {
      finished_ = true;
      const grpc::Status status = end_.value_or(grpc::Status::OK);
      lock.unlock();
      Finish(status);
      return;
    }
    if (!is_over && !reading_ && has_room()) {
      reading_ = true;
      StartRead(&frame_);
    }
    if (!writing_ && !unsent_.empty()) {
      writing_ = true;
      grpc::WriteOptions options;
      if (unsent_.size() > 1) options.set_buffer_hint();
      StartWrite(&unsent_.front().message, options);
    }
  }

  bool has_room() const {
    return under_way_ == 0 ||
           (under_way_ < streams_.texts_each() && under_way_bytes_ < kBytesUnderWay);
  }

  struct Unsent {
    grpc::ByteBuffer message;
    size_t bytes;  // Of the text.
  };

  Admission& admission_;
  Scheduler& scheduler_;
  OpenStreams& streams_;
  const uint64_t flow_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);

  std::mutex mutex_;        // Guards the members below.
  grpc::ByteBuffer frame_;  // While reading_: gRPC's.
  EmbedOptions options_;    // This and the route: from the first text on for good.
  std::shared_ptr<const CentroidSet> route_;
  bool is_admitted_ = false;
  bool reading_ = false;
  bool all_read_ = false;
  bool writing_ = false;  // The front of unsent_: gRPC's until OnWriteDone.
  bool finished_ = false;
  size_t waiting_ = 0;          // Texts not yet answered.
  size_t under_way_ = 0;        // Those, and those in unsent_.
  size_t under_way_bytes_ = 0;  // Of their texts.
  std::deque<Unsent> unsent_;
  std::optional<grpc::Status> end_;  // What the stream ends with, if not well.
};

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* start_embed_stream(
    Admission& admission, Scheduler& scheduler, OpenStreams& streams) {
  const auto call = std::make_shared<EmbedStreamCall>(admission, scheduler, streams);
  call->start();
  return call.get();
}

}  // namespace runed::daemon
