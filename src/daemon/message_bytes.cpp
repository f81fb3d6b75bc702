#include "daemon/message_bytes.hpp"

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include "base/check.hpp"

namespace runed::daemon {

using google::protobuf::MessageLite;

Status check_size(const grpc::ByteBuffer& bytes) {
  const size_t size = bytes.Length();
  if (size <= kMostRequestBytes) return {};
  return make_error(ErrorCode::request_too_large, "the message has {} bytes, {} are allowed", size,
                    kMostRequestBytes)
      .with_hint("send fewer texts in one message, or shorter ones")
      .with_detail("bytes", std::to_string(size))
      .with_detail("limit", std::to_string(kMostRequestBytes));
}

Status read_message(const grpc::ByteBuffer& bytes, MessageLite& message) {
  TRY(check_size(bytes));
  grpc::ByteBuffer same = bytes;  // The reader wants one of its own; the bytes are shared.
  if (!grpc::GenericDeserialize<grpc::ProtoBufferReader, MessageLite>(&same, &message).ok()) {
    return make_error(ErrorCode::internal, "cannot read the request: it is no message of this call")
        .with_hint("compare the client's runed.proto with the daemon's");
  }
  return {};
}

void write_message(const MessageLite& message, grpc::ByteBuffer& bytes) {
  bool is_own = false;
  const auto written =
      grpc::GenericSerialize<grpc::ProtoBufferWriter, MessageLite>(message, &bytes, &is_own);
  CHECK(written.ok());
}

}  // namespace runed::daemon
