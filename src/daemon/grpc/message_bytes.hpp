#pragma once

#include <cstddef>

#include "base/result.hpp"

namespace google::protobuf {
class MessageLite;
}

namespace grpc {
class ByteBuffer;
}

namespace runed::daemon {

/// The most bytes of one request message: a full batch of texts of 64 KiB each.
inline constexpr size_t kMostRequestBytes = size_t{64} << 20;

/// Checks a message's size.
/// Errors: request_too_large (details: bytes, limit).
Status check_size(const grpc::ByteBuffer& bytes);

/// Reads a request, of the package runed.v1.raw, in which texts are bytes.
/// Errors: those of check_size; internal if it is no such message, as other gRPC servers tell it.
Status read_message(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message);

/// Counts the times that a field of a message occurs, before each of them costs an object.
size_t count_field(const grpc::ByteBuffer& bytes, int field_number);

/// Writes a reply.
void write_message(const google::protobuf::MessageLite& message, grpc::ByteBuffer& bytes);

}  // namespace runed::daemon
