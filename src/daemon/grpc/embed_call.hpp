#pragma once

#include <cstdint>

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
class ServerUnaryReactor;
}  // namespace grpc

namespace runed::daemon {

class Api;

/// Returns the texts that one EmbedBatch may carry: so many that the reply stays below gRPC's
/// default limit of 4 MiB at a client that set nothing.
uint32_t max_batch_size(uint32_t dimension);

/// Begins a call of serialised messages, which is answered once, whatever is thrown meanwhile. gRPC
/// keeps the reactor until the call has ended.
/// Owns: nothing; all arguments outlive it.
grpc::ServerUnaryReactor* start_embed(Api& api, grpc::CallbackServerContext& context,
                                      const grpc::ByteBuffer& request, grpc::ByteBuffer& reply);
grpc::ServerUnaryReactor* start_embed_batch(Api& api, grpc::CallbackServerContext& context,
                                            const grpc::ByteBuffer& request,
                                            grpc::ByteBuffer& reply);

}  // namespace runed::daemon
