#pragma once

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
class ServerUnaryReactor;
}  // namespace grpc

namespace runed::daemon {

class Api;

/// Begins a call of LoadModel, which is answered once, when the model can embed or cannot be had.
/// Owns: nothing; all arguments outlive it.
grpc::ServerUnaryReactor* start_load_model(Api& api, grpc::CallbackServerContext& context,
                                           const grpc::ByteBuffer& request,
                                           grpc::ByteBuffer& reply);

}  // namespace runed::daemon
