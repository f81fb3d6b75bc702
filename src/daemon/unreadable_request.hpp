#pragma once

namespace grpc {
class ServerBuilder;
}

namespace runed::daemon {

/// Makes the server answer INTERNAL to a unary request that is no message of its method, such as a
/// text that is not UTF-8, as other gRPC servers do. gRPC's callback API (1.51) answers
/// UNIMPLEMENTED, from which a client learns that this daemon is too old for the method.
void refuse_unreadable_requests(grpc::ServerBuilder& builder);

}  // namespace runed::daemon
