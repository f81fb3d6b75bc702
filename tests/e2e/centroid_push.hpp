#pragma once

// Included by centroids_test.cpp only, which it keeps short. It includes gRPC.
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "runed/v1/runed.grpc.pb.h"
#include "runed_process.hpp"
#include "support/random_floats.hpp"
#include "support/result_matchers.hpp"

namespace runed::test {

inline constexpr uint32_t kDim = 256;  // Of the built-in model.

struct Pushed {
  grpc::Status status;
  v1::SetCentroidsResponse response;
};

/// A client on a connection of its own.
struct PushClient {
  explicit PushClient(const Home& home) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel = grpc::CreateCustomChannel("unix:" + (home / "embedding.sock"),
                                        grpc::InsecureChannelCredentials(), arguments);
    stub = v1::RunedService::NewStub(channel);
  }

  Pushed push(const std::vector<v1::SetCentroidsRequest>& frames) const {
    Pushed pushed;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const auto writer = stub->SetCentroids(&context, &pushed.response);
    for (const auto& frame : frames) {
      if (!writer->Write(frame)) break;
    }
    writer->WritesDone();
    pushed.status = writer->Finish();
    return pushed;
  }

  std::string version_in_force() const {
    grpc::ClientContext context;
    v1::InfoResponse info;
    const grpc::Status status = stub->Info(&context, {}, &info);
    if (!status.ok()) FAIL(status.error_message());
    return info.centroid_set_version();
  }

  grpc::Status embed_with_route() const {
    grpc::ClientContext context;
    v1::EmbedRequest request;
    request.set_text("a");
    request.set_with_route(true);
    v1::EmbedResponse response;
    return stub->Embed(&context, request, &response);
  }

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::RunedService::Stub> stub;
};

inline v1::SetCentroidsRequest header(const std::string& version, uint32_t dim = kDim,
                                      const std::string& preset = "", uint32_t nlist = 0) {
  v1::SetCentroidsRequest frame;
  frame.mutable_header()->set_version(version);
  frame.mutable_header()->set_dim(dim);
  frame.mutable_header()->set_preset(preset);
  frame.mutable_header()->set_nlist(nlist);
  return frame;
}

inline v1::SetCentroidsRequest batch(uint32_t count, uint32_t dim = kDim) {
  v1::SetCentroidsRequest frame;
  frame.mutable_batch();
  for (uint32_t i = 0; i < count; ++i) {
    const auto row = random_floats(dim);
    frame.mutable_batch()->add_centroids()->mutable_vec()->Assign(row.begin(), row.end());
  }
  return frame;
}

}  // namespace runed::test
