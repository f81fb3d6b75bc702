#pragma once

#include <memory>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "runed/v1/runed.grpc.pb.h"
#include "runed_process.hpp"

namespace runed::test {

using Stub = v1::RunedService::Stub;

/// Connects to the daemon of a home, over a connection of its own.
std::unique_ptr<Stub> connect(const Home& home);

/// Asks for Health; fails the test if that fails.
v1::HealthResponse health(Stub& stub);

/// Returns the google.rpc.ErrorInfo of an error, which comes first; fails the test if there is none.
google::rpc::ErrorInfo info_of(const google::rpc::Status& error);

google::rpc::ErrorInfo info_of(const grpc::Status& status);

std::vector<float> vector_of(const v1::EmbedResponse& response);

}  // namespace runed::test
