#pragma once

#include "base/error.hpp"

namespace grpc {
class Status;
}

namespace google::rpc {
class Status;
}

namespace runed::daemon {

/// Turns an error into what a gRPC client sees: the code that fits and, for the documented reasons,
/// google.rpc.ErrorInfo with the error's details and hint as metadata, and google.rpc.RetryInfo
/// where they say when to try again.
grpc::Status to_status(const Error& error);

/// The same as a message, for one text of many.
google::rpc::Status to_message(const Error& error);

}  // namespace runed::daemon
