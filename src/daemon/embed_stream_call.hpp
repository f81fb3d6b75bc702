#pragma once

namespace grpc {
template <class Request, class Response>
class ServerBidiReactor;
}

namespace runed::v1 {
class EmbedStreamRequest;
class EmbedStreamResponse;
}  // namespace runed::v1

namespace runed::daemon {

class Admission;
class Batcher;
class OpenStreams;

/// Begins an EmbedStream. gRPC keeps the reactor until the stream has ended.
/// Owns: nothing; all arguments outlive it.
grpc::ServerBidiReactor<v1::EmbedStreamRequest, v1::EmbedStreamResponse>* start_embed_stream(
    Admission& admission, Batcher& batcher, OpenStreams& streams);

}  // namespace runed::daemon
