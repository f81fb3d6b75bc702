#pragma once

#include "base/error.hpp"

namespace grpc {
class Status;
}

namespace google::rpc {
class Status;
}

namespace runed::daemon {

/// Turns an error into what a gRPC client sees: the code that fits, google.rpc.ErrorInfo with the
/// error's name as its reason and details and hint as metadata, and google.rpc.RetryInfo where they
/// say when to try again. Every status that we end a call with is made here. All of it is UTF-8,
/// and no more than every client takes: texts that are longer end in `...`.
grpc::Status to_status(const Error& error);

/// The same as a message, for one text of many.
google::rpc::Status to_message(const Error& error);

}  // namespace runed::daemon
