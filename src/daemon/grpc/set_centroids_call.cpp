#include "daemon/grpc/set_centroids_call.hpp"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/server_callback.h>

#include <exception>
#include <functional>

#include "daemon/grpc/error_status.hpp"
#include "daemon/grpc/message_bytes.hpp"
#include "os/machine/memory.hpp"
#include "runed/v1/runed.pb.h"

// gRPC tells the end of a stream, a cancelled call and a lost connection in the same way: there is no
// further message. Half a set without a digest would pass every check, so a call first sends its initial
// metadata, which fails on a stream that is not open any more, and only then looks at what it has. A
// message that cannot be parsed looks so too, unless it is taken as bytes and parsed here.

namespace runed::daemon {
namespace {

constexpr size_t kLargeBytes = size_t{1} << 20;  // What is worth giving back to the kernel.

}  // namespace

namespace {

// One call. gRPC keeps it until OnDone, which follows Finish; Finish is called once.
template <typename Submit>
class SetCentroidsCall final : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  SetCentroidsCall(Centroids& centroids, const State& state, UploadBudget& budget, Submit submit,
                   grpc::ByteBuffer* response)
      : centroids_(centroids),
        state_(state),
        submit_(std::move(submit)),
        upload_(budget),
        response_(response) {
    StartRead(&frame_);
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) {
      StartSendInitialMetadata();
      return;
    }
    const Status added = guarded([this] { return add_frame(); });
    if (added) {
      StartRead(&frame_);
    } else {
      Finish(to_status(added.error()));
    }
  }

  void OnSendInitialMetadataDone(bool ok) override {
    if (!ok) {
      Finish(to_status(make_error(ErrorCode::cancelled, "the stream ended before the set did")));
      return;
    }
    const Status submitted = guarded([this]() -> Status {
      submit_([this] {
        const Status installed = guarded([this] { return install(); });
        Finish(installed ? grpc::Status::OK : to_status(installed.error()));
      });
      return {};
    });
    if (!submitted) Finish(to_status(submitted.error()));
  }

  void OnDone() override {
    const bool was_large = upload_.most_bytes() >= kLargeBytes;
    delete this;
    if (was_large) os::trim_heap();
  }

  Status add_frame() {
    TRY(check_size(frame_));
    Status added;
    {
      grpc::ProtoBufferReader reader(&frame_);
      added = upload_.add(reader);
    }
    frame_.Clear();  // A client that stalls must not hold its last message here.
    return added;
  }

  Status install() {
    const auto model = state_.model();
    TRY_ASSIGN(auto set,
               upload_.finish(model == nullptr ? std::nullopt : std::optional(model->dimension)));
    v1::SetCentroidsResponse response;
    response.set_version(set.version());
    response.set_nlist(set.count());
    grpc::ByteBuffer buffer;
    write_message(response, buffer);
    centroids_.install(std::move(set));
    response_->Swap(&buffer);
    return {};
  }

  // Whatever is thrown, for want of memory, the call must be finished.
  template <typename Step>
  static Status guarded(const Step& step) {
    try {
      return step();
    } catch (const std::exception& fault) {
      return make_error(ErrorCode::internal, "cannot take the centroids: {}", fault.what());
    }
  }

  Centroids& centroids_;
  const State& state_;
  const Submit submit_;
  CentroidUpload upload_;
  grpc::ByteBuffer frame_;
  grpc::ByteBuffer* const response_;
};

}  // namespace

SetCentroidsCalls::SetCentroidsCalls(Centroids& centroids, const State& state)
    : centroids_(centroids), state_(state), worker_(std::make_unique<Worker>()) {}

SetCentroidsCalls::~SetCentroidsCalls() = default;

grpc::ServerReadReactor<grpc::ByteBuffer>* SetCentroidsCalls::start(grpc::ByteBuffer* response) {
  const auto submit = [worker = worker_.get()](std::function<void()> job) {
    worker->submit(std::move(job));
  };
  return new SetCentroidsCall(centroids_, state_, budget_, submit, response);
}

}  // namespace runed::daemon
