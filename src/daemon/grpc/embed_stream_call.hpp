#pragma once

namespace grpc {
class ByteBuffer;
template <class Request, class Response>
class ServerBidiReactor;
}  // namespace grpc

namespace runed::daemon {

class Admission;
class Scheduler;
class OpenStreams;

/// Begins an EmbedStream, of serialised messages. gRPC keeps the reactor until the stream has ended.
/// Owns: nothing; all arguments outlive it.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* start_embed_stream(
    Admission& admission, Scheduler& scheduler, OpenStreams& streams);

}  // namespace runed::daemon
