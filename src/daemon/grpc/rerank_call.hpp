#pragma once

#include <cstddef>

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
class ServerUnaryReactor;
}  // namespace grpc

namespace runed::daemon {

class Api;

/// The documents that one Rerank may carry.
inline constexpr size_t kMostDocuments = 1024;

/// Begins a call for scores, as start_embed one for embeddings.
/// Owns: nothing; all arguments outlive it.
grpc::ServerUnaryReactor* start_rerank(Api& api, grpc::CallbackServerContext& context,
                                       const grpc::ByteBuffer& request, grpc::ByteBuffer& reply);

}  // namespace runed::daemon
