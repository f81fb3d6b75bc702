#pragma once

#include "base/error.hpp"

namespace google::rpc {
class Status;
}
namespace grpc {
class Status;
}

namespace runed::client {

/// The message of an error of gRPC's own, by which a call ends that nobody answers any more: what the
/// connection says of that (`Broken pipe`) tells nobody why.
inline constexpr std::string_view kConnectionLost = "the connection to the daemon has ended";

/// Turns a failed call's status into an Error: by its google.rpc.ErrorInfo where runed sent one,
/// else by its gRPC code.
Error to_error(const grpc::Status& status);

/// The same of the status of one text, as EmbedStream sends it.
Error to_error(const google::rpc::Status& status);

}  // namespace runed::client
