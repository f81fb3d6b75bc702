#pragma once

#include "base/error.hpp"

namespace grpc {
class CallbackServerContext;
class ServerUnaryReactor;
class Status;
}  // namespace grpc

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

/// What a call is told that was lost, for want of memory most likely: prepared when it begins.
const grpc::Status& lost_status();

/// Ends a call as lost that could not even begin, with nothing but what gRPC keeps ready for it.
grpc::ServerUnaryReactor* finish_lost(grpc::CallbackServerContext& context);

}  // namespace runed::daemon
