#pragma once

#include "base/error.hpp"

namespace google::rpc {
class Status;
}
namespace grpc {
class Status;
}

namespace runed::client {

/// Turns a failed call's status into an Error: by its google.rpc.ErrorInfo where runed sent one,
/// else by its gRPC code.
Error to_error(const grpc::Status& status);

/// The same of the status of one text, as EmbedStream sends it.
Error to_error(const google::rpc::Status& status);

}  // namespace runed::client
