#pragma once

#include <memory>

#include "daemon/api/state.hpp"
#include "daemon/queue/worker.hpp"
#include "daemon/route/centroid_upload.hpp"
#include "daemon/route/centroids.hpp"

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
  SetCentroidsCalls(Centroids& centroids, const State& state);
  SetCentroidsCalls(const SetCentroidsCalls&) = delete;
  SetCentroidsCalls& operator=(const SetCentroidsCalls&) = delete;
  /// Needs: every call has ended.
  ~SetCentroidsCalls();

  /// Starts a call; gRPC ends it.
  grpc::ServerReadReactor<grpc::ByteBuffer>* start(grpc::ByteBuffer* response);

 private:
  Centroids& centroids_;
  const State& state_;
  UploadBudget budget_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace runed::daemon
