#pragma once

#include "daemon/api/api.hpp"
#include "daemon/grpc/centroid_upload.hpp"
#include "daemon/queue/worker.hpp"

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
template <class Request>
class ServerReadReactor;
}  // namespace grpc

namespace runed::daemon {

/// Answers SetCentroids: each call collects a set within a shared budget, and one thread of ours checks
/// and installs what is complete, since gRPC's own threads must not wait for a disk.
class SetCentroidsCalls {
 public:
  explicit SetCentroidsCalls(Api& api) : api_(api) {}
  SetCentroidsCalls(const SetCentroidsCalls&) = delete;
  SetCentroidsCalls& operator=(const SetCentroidsCalls&) = delete;
  /// Needs: every call has ended.
  ~SetCentroidsCalls() = default;

  /// Starts a call; gRPC ends it. Null: there is no memory for one.
  grpc::ServerReadReactor<grpc::ByteBuffer>* start(grpc::ByteBuffer& reply);

 private:
  Api& api_;
  UploadBudget budget_;
  Worker worker_;
};

}  // namespace runed::daemon
