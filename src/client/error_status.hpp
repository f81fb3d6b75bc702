#pragma once

#include "base/error.hpp"

namespace grpc {
class Status;
}

namespace runed::client {

/// Turns a failed call's status into an Error: by its google.rpc.ErrorInfo where runed sent one,
/// else by its gRPC code.
Error to_error(const grpc::Status& status);

}  // namespace runed::client
