#include "daemon/grpc/set_centroids_call.hpp"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/server_callback.h>

#include <exception>
#include <memory>
#include <utility>

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

// One call. gRPC keeps it until OnDone, which follows Finish; Finish is called once, by the answer.
class SetCentroidsCall final : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  SetCentroidsCall(Api& api, UploadBudget& budget, Worker& worker, grpc::ByteBuffer& reply)
      : api_(api),
        worker_(worker),
        upload_(budget),
        reply_(reply),
        answer_(std::make_unique<ToCaller>(*this)) {}

  void start() { StartRead(&frame_); }

 private:
  class ToCaller final : public Receiver<InstalledCentroids> {
   public:
    explicit ToCaller(SetCentroidsCall& call) : call_(call) {}

    void receive(Result<InstalledCentroids> result) override { call_.reply(result); }
    void drop() noexcept override { call_.Finish(std::move(call_.lost_)); }

   private:
    SetCentroidsCall& call_;
  };

  void OnReadDone(bool ok) override {
    if (!ok) {
      StartSendInitialMetadata();
      return;
    }
    or_lose([this] {
      if (Status added = add_frame(); !added) {
        answer_.give(std::move(added).error());
      } else {
        StartRead(&frame_);
      }
    });
  }

  void OnSendInitialMetadataDone(bool ok) override {
    or_lose([this, ok] {
      if (!ok) {
        answer_.give(make_error(ErrorCode::cancelled, "the stream ended before the set did"));
        return;
      }
      worker_.submit([this] {
        Answer<InstalledCentroids> answer =
            std::move(answer_);  // Lost with the task, if it throws.
        answer.give(install());
      });
    });
  }

  void OnDone() override {
    const bool was_large = upload_.most_bytes() >= kLargeBytes;
    delete this;
    if (was_large) os::trim_heap();
  }

  // The last catch of a callback of gRPC's.
  template <typename Step>
  void or_lose(const Step& step) noexcept {
    try {
      step();
    } catch (const std::exception&) {
      answer_.drop();
    }
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

  Result<InstalledCentroids> install() {
    TRY_ASSIGN(const ModelPtr model, api_.find_model(upload_.model()));
    TRY_ASSIGN(auto set, upload_.finish(dimension_of(*model)));
    return api_.install_centroids(model, std::move(set));
  }

  void reply(const Result<InstalledCentroids>& installed) {
    grpc::Status status;
    if (installed) {
      v1::SetCentroidsResponse response;
      response.set_version(installed->version);
      response.set_nlist(static_cast<uint32_t>(installed->count));
      write_message(response, reply_);
    } else {
      status = to_status(installed.error());
    }
    Finish(std::move(status));
  }

  Api& api_;
  Worker& worker_;
  CentroidUpload upload_;
  grpc::ByteBuffer frame_;
  grpc::ByteBuffer& reply_;
  grpc::Status lost_ = lost_status();
  Answer<InstalledCentroids> answer_;
};

}  // namespace

// The last catch of a call that begins.
grpc::ServerReadReactor<grpc::ByteBuffer>* SetCentroidsCalls::start(grpc::ByteBuffer& reply) {
  try {
    auto* call = new SetCentroidsCall(api_, budget_, worker_, reply);
    call->start();
    return call;
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace runed::daemon
