#include "daemon/grpc/message_bytes.hpp"

#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/impl/grpc_library.h>
#include <grpcpp/support/byte_buffer.h>

#include "runed/v1/raw.pb.h"
#include "runed/v1/runed.pb.h"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace v1 = runed::v1;
using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using runed::Error;
using runed::ErrorCode;
using runed::daemon::count_field;
using runed::daemon::read_message;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

grpc::ByteBuffer to_buffer(const std::string& bytes) {
  static const grpc::internal::GrpcLibraryInitializer library;  // A slice needs it.
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

void rename(std::string& type) {
  const std::string package = ".runed.v1.";
  if (type.starts_with(package)) type.replace(0, package.size(), ".runed.v1.raw.");
}

// What the copy must be: the published file with bytes in place of strings, in a package of its own.
void change(DescriptorProto& message) {
  for (auto& field : *message.mutable_field()) {
    if (field.type() == FieldDescriptorProto::TYPE_STRING) {
      field.set_type(FieldDescriptorProto::TYPE_BYTES);
    }
    if (field.has_type_name()) rename(*field.mutable_type_name());
  }
  for (auto& nested : *message.mutable_nested_type()) change(nested);
}

// Which only protoc writes.
void leave_out_json_names(DescriptorProto& message) {
  for (auto& field : *message.mutable_field()) field.clear_json_name();
  for (auto& nested : *message.mutable_nested_type()) leave_out_json_names(nested);
}

FileDescriptorProto expected_copy() {
  FileDescriptorProto file;
  v1::EmbedRequest::descriptor()->file()->CopyTo(&file);
  file.set_name("runed/v1/raw.proto");
  file.set_package("runed.v1.raw");
  for (auto& message : *file.mutable_message_type()) change(message);
  for (auto& service : *file.mutable_service()) {
    for (auto& method : *service.mutable_method()) {
      rename(*method.mutable_input_type());
      rename(*method.mutable_output_type());
    }
  }
  return file;
}

}  // namespace

TEST_CASE("the copy that requests are read with has the published fields, and bytes for strings") {
  google::protobuf::FileDescriptorSet copy;
  REQUIRE(copy.ParseFromString(runed::test::read_text(RUNED_RAW_DESCRIPTORS)));
  REQUIRE(copy.file_size() == 1);
  FileDescriptorProto& file = *copy.mutable_file(0);
  file.clear_options();
  for (auto& message : *file.mutable_message_type()) leave_out_json_names(message);
  CHECK(file.message_type_size() > 15);
  CHECK(file.DebugString() == expected_copy().DebugString());
}

TEST_CASE("a request with a text that is not UTF-8 is read") {
  v1::raw::EmbedBatchRequest request;
  unwrap(read_message(to_buffer("\x0A\x01\xFF\x0A\x01z"), request));
  REQUIRE(request.texts_size() == 2);
  CHECK(request.texts(0) == "\xFF");
  CHECK(request.texts(1) == "z");
}

TEST_CASE("bytes that are no message, and none at all, are refused") {
  v1::raw::EmbedRequest request;
  CHECK(unwrap_error(read_message(to_buffer("\x0A\x05"), request)).code == ErrorCode::internal);
  CHECK(unwrap_error(read_message(grpc::ByteBuffer(), request)).code == ErrorCode::internal);
  unwrap(read_message(to_buffer(""), request));
}

TEST_CASE("a message beyond the limit is refused before it is read") {
  const size_t limit = runed::daemon::kMostRequestBytes;
  v1::raw::EmbedRequest request;
  const Error error =
      unwrap_error(read_message(to_buffer(std::string(limit + 1, '\xFF')), request));
  CHECK(error.code == ErrorCode::request_too_large);
  CHECK(error.facts.text("limit") == std::to_string(limit));
  CHECK(error.facts.text("bytes") == std::to_string(limit + 1));
  unwrap(runed::daemon::check_size(to_buffer(std::string(limit, 'x'))));
}

TEST_CASE("a reply is written as protobuf writes it") {
  v1::InfoResponse response;
  response.set_model_name("a model");
  grpc::ByteBuffer buffer;
  runed::daemon::write_message(response, buffer);
  CHECK(buffer.Length() == response.ByteSizeLong());
}

TEST_CASE("the texts of a batch are counted before they are read") {
  v1::EmbedBatchRequest request;
  for (int i = 0; i < 3000; ++i) request.add_texts(i % 2 == 0 ? "" : "a text");
  request.set_instruction("not a text");
  const int field = v1::EmbedBatchRequest::kTextsFieldNumber;
  CHECK(count_field(to_buffer(request.SerializeAsString()), field) == 3000);
  CHECK(count_field(to_buffer(""), field) == 0);
  CHECK(count_field(to_buffer("\x0a\x01x\x0a\x7f"), field) == 2);  // Cut short: reading it tells.
}
