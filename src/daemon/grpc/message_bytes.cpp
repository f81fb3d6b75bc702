#include "daemon/grpc/message_bytes.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include "base/check.hpp"

namespace runed::daemon {

using google::protobuf::MessageLite;
using google::protobuf::internal::WireFormatLite;

Status check_size(const grpc::ByteBuffer& bytes) {
  const size_t size = bytes.Length();
  if (size <= kMostRequestBytes) return {};
  return make_error(ErrorCode::request_too_large, "the message has {} bytes, {} are allowed", size,
                    kMostRequestBytes)
      .with_hint("send fewer texts in one message, or shorter ones")
      .with(fact::kBytes, size)
      .with(fact::kLimit, kMostRequestBytes);
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

size_t count_field(const grpc::ByteBuffer& bytes, int field_number) {
  grpc::ByteBuffer same = bytes;
  grpc::ProtoBufferReader reader(&same);
  google::protobuf::io::CodedInputStream input(&reader);
  size_t count = 0;
  while (const uint32_t tag = input.ReadTag()) {
    if (WireFormatLite::GetTagFieldNumber(tag) == field_number) ++count;
    if (!WireFormatLite::SkipField(&input, tag)) break;  // Whoever reads it will tell.
  }
  return count;
}

void write_message(const MessageLite& message, grpc::ByteBuffer& bytes) {
  bool is_own = false;
  const auto written =
      grpc::GenericSerialize<grpc::ProtoBufferWriter, MessageLite>(message, &bytes, &is_own);
  CHECK(written.ok());
}

}  // namespace runed::daemon
