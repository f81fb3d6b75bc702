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

#include "daemon/api/api.hpp"
#include "daemon/grpc/error_status.hpp"
#include "daemon/grpc/message_bytes.hpp"
#include "daemon/grpc/wire.hpp"
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
  explicit EmbedStreamCall(Api& api) : api_(api) {}

  void start() {
    std::optional<grpc::Status> refusal;
    if (Status open = api_.check_open(); !open) refusal = to_status(open.error());
    api_.streams().add(shared_from_this());
    std::unique_lock lock(mutex_);
    if (refusal.has_value()) end_with(*std::move(refusal));
    go_on(lock);
  }

  void close() noexcept override {
    std::unique_lock lock(mutex_);
    end_with(std::move(shutting_down_));
    go_on(lock);
  }

 private:
  void OnReadDone(bool ok) override {
    std::unique_lock lock(mutex_);
    reading_ = false;
    if (!ok) {
      all_read_ = true;
    } else if (!end_.has_value()) {
      try {
        take_frame(lock);
      } catch (const std::exception&) {  // The last catch of a frame.
        if (!lock.owns_lock()) lock.lock();
        end_with(std::move(lost_));
      }
    }
    go_on(lock);
  }

  void OnWriteDone(bool ok) override {
    std::unique_lock lock(mutex_);
    writing_ = false;
    count_off(unsent_.front().bytes);
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
    api_.streams().remove(this);  // Who ends here.
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
              .with(fact::kField, "options");
        }
        return admit(request.options());
      case Request::kItem:
        if (!is_admitted_) TRY(admit({}));
        submit(*request.mutable_item(), lock);
        return {};
      default:
        return make_error(ErrorCode::invalid_argument, "the frame has no item")
            .with_hint("a frame is {\"item\": {\"id\": ..., \"text\": ...}}, or the options")
            .with(fact::kField, "item");
    }
  }

  Status admit(const v1::raw::EmbedOptions& options) {
    TRY(check_utf8("model", options.model()));
    TRY_ASSIGN(admitted_, api_.admit(options.model(), options.with_route()));
    TRY_ASSIGN(options_, read_options(options));
    flow_ = admitted_.model->scheduler().new_flow();
    is_admitted_ = true;
    return {};
  }

  // Nothing throws from the answer on until the lock is given back, which the answer would need.
  void submit(v1::raw::EmbedStreamItem& item, std::unique_lock<std::mutex>& lock) {
    std::vector<std::string> texts;
    texts.push_back(std::move(*item.mutable_text()));
    const size_t bytes = texts.front().size();
    EmbedOptions options = options_;
    EmbedAnswer answer(std::make_unique<ToCaller>(*this, item.id(), bytes));
    under_way_bytes_ += bytes;  // The answer counts it off again.
    ++under_way_;
    ++waiting_;
    Job job{.texts = std::move(texts),
            .options = std::move(options),
            .priority = Priority::bulk,
            .is_bounded_by_caller = true,
            .flow = flow_,
            .route = admitted_.route,
            .answer = std::move(answer)};
    lock.unlock();
    api_.embed(admitted_.model, std::move(job));
    lock.lock();
  }

  // The answer of one text.
  class ToCaller final : public EmbedReceiver {
   public:
    ToCaller(EmbedStreamCall& call, uint64_t id, size_t bytes)
        : call_(call), id_(id), bytes_(bytes) {}

    void receive(Result<std::vector<Embedding>> result) override {
      call_.send(id_, bytes_, result);
    }
    void drop() noexcept override { call_.lose(bytes_); }
    bool is_cancelled() const noexcept override { return call_.cancelled_; }

   private:
    EmbedStreamCall& call_;
    const uint64_t id_;
    const size_t bytes_;
  };

  void send(uint64_t id, size_t bytes, const Result<std::vector<Embedding>>& result) {
    // Not a fault of the text: the client has to send it to another daemon.
    const bool is_refused = !result && result.error().code == ErrorCode::shutting_down;
    grpc::Status refusal;
    grpc::ByteBuffer message;
    if (is_refused) {
      refusal = to_status(result.error());
    } else {
      message = serialise(id, result);
    }
    std::unique_lock lock(mutex_);
    if (is_refused || cancelled_) {
      if (is_refused) end_with(std::move(refusal));
      count_off(bytes);
    } else {
      unsent_.push_back({.message = std::move(message), .bytes = bytes});
    }
    --waiting_;
    go_on(lock);
  }

  // A text without an answer must be counted all the same, and the stream cannot go well any more.
  void lose(size_t bytes) noexcept {
    std::unique_lock lock(mutex_);
    end_with(std::move(lost_));
    count_off(bytes);
    --waiting_;
    go_on(lock);
  }

  void count_off(size_t bytes) noexcept {
    under_way_bytes_ -= bytes;
    --under_way_;
  }

  grpc::ByteBuffer serialise(uint64_t id, const Result<std::vector<Embedding>>& result) const {
    Response response;
    response.set_id(id);
    if (result) {
      fill(result->front(), origin_of(admitted_), *response.mutable_embedding());
    } else {
      *response.mutable_error() = to_message(result.error());
    }
    grpc::ByteBuffer message;
    write_message(response, message);
    return message;
  }

  void end_with(grpc::Status status) noexcept {
    if (!end_.has_value()) end_ = std::move(status);
  }

  // Nobody reads any more: what waits is void, what is computed is not sent.
  void give_up() noexcept {
    cancelled_ = true;
    end_with(grpc::Status::CANCELLED);
    while (unsent_.size() > (writing_ ? 1 : 0)) {
      count_off(unsent_.back().bytes);
      unsent_.pop_back();
    }
  }

  // Starts whatever can be done next. Reads and writes are started under the lock, which gRPC never
  // takes a callback under; after Finish another thread may end this object, so that comes last.
  void go_on(std::unique_lock<std::mutex>& lock) noexcept {
    const bool is_over = all_read_ || end_.has_value();
    if (is_over && waiting_ == 0 && unsent_.empty() && !finished_) {
      finished_ = true;
      grpc::Status status = end_.has_value() ? std::move(*end_) : grpc::Status::OK;
      lock.unlock();
      Finish(std::move(status));
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
           (under_way_ < api_.streams().texts_each() && under_way_bytes_ < kBytesUnderWay);
  }

  struct Unsent {
    grpc::ByteBuffer message;
    size_t bytes;  // Of the text.
  };

  Api& api_;
  std::atomic<bool> cancelled_{false};

  std::mutex mutex_;        // Guards the members below.
  grpc::ByteBuffer frame_;  // While reading_: gRPC's.
  EmbedOptions options_;    // This and the next two: from the first text on for good.
  Api::Admitted admitted_;
  uint64_t flow_ = 0;
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
  // What it may have to end with when there is no memory to say so.
  grpc::Status lost_ = lost_status();
  grpc::Status shutting_down_ = to_status(shutting_down_error());
};

}  // namespace

// The last catch of a stream that begins.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* start_embed_stream(Api& api) {
  try {
    const auto call = std::make_shared<EmbedStreamCall>(api);
    call->start();
    return call.get();
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace runed::daemon
