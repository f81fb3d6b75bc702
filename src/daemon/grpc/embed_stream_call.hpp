#pragma once

namespace grpc {
class ByteBuffer;
template <class Request, class Response>
class ServerBidiReactor;
}  // namespace grpc

namespace runed::daemon {

class Api;

/// Begins an EmbedStream, of serialised messages. gRPC keeps the reactor until the stream has ended;
/// null: there is no memory for one.
/// Owns: nothing; the api outlives it.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* start_embed_stream(Api& api);

}  // namespace runed::daemon
