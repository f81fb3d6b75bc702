// Every refusal carries google.rpc.ErrorInfo, whatever is wrong and with whichever call.
#include "raw_client.hpp"
#include "runed/v1/runed.pb.h"

namespace v1 = runed::v1;
using runed::test::error_info;
using runed::test::Home;
using runed::test::kEmbed;
using runed::test::kEmbedBatch;
using runed::test::kHealth;
using runed::test::kService;
using runed::test::OldClient;
using runed::test::RawStream;
using runed::test::reason_of;
using runed::test::Running;

namespace {

const std::string kEmbedStream = "/" + kService + "/EmbedStream";
const std::string kSetCentroids = "/" + kService + "/SetCentroids";

std::string item(uint64_t id, const std::string& text) {
  v1::EmbedStreamRequest request;
  request.mutable_item()->set_id(id);
  request.mutable_item()->set_text(text);
  return request.SerializeAsString();
}

// What comes before the end of a stream, by its texts' ids.
std::vector<uint64_t> read_ids(RawStream& stream) {
  std::vector<uint64_t> ids;
  while (const auto bytes = stream.read()) {
    v1::EmbedStreamResponse response;
    REQUIRE(response.ParseFromString(*bytes));
    INFO(response.error().message());
    CHECK(response.has_embedding());
    ids.push_back(response.id());
  }
  return ids;
}

}  // namespace

TEST_CASE("a frame without an item ends the stream, once what came before is answered",
          "[refusals]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  v1::EmbedStreamRequest stray;  // As of a client that has put id and text beside the item.
  stray.GetReflection()->MutableUnknownFields(&stray)->AddVarint(9, 1);
  for (const std::string& frame : {std::string(), stray.SerializeAsString()}) {
    auto stream = client.stream(kEmbedStream);
    stream.write(item(1, "before"));
    stream.write(frame);
    CHECK(read_ids(stream) == std::vector<uint64_t>{1});
    const grpc::Status status = stream.finish();
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(status.error_message() == "the frame has no item");
    const auto info = error_info(status);
    CHECK(info.reason() == "INVALID_ARGUMENT");
    CHECK(info.metadata().at("field") == "item");
    CHECK(info.metadata().contains("hint"));
  }
}

TEST_CASE("options that are not the first frame are refused with a reason", "[refusals]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  auto stream = client.stream(kEmbedStream);
  stream.write(item(1, "before"));
  v1::EmbedStreamRequest options;
  options.mutable_options();
  stream.write(options.SerializeAsString());
  CHECK(read_ids(stream) == std::vector<uint64_t>{1});
  const auto info = error_info(stream.finish());
  CHECK(info.reason() == "INVALID_ARGUMENT");
  CHECK(info.metadata().at("field") == "options");
}

TEST_CASE("a frame that cannot be read ends the stream with a reason", "[refusals]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  auto stream = client.stream(kEmbedStream);
  stream.write(item(1, "before"));
  stream.write("\x12\x7F");
  CHECK(read_ids(stream) == std::vector<uint64_t>{1});
  const grpc::Status status = stream.finish();
  CHECK(status.error_code() == grpc::StatusCode::INTERNAL);
  CHECK(reason_of(status) == "INTERNAL");
}

TEST_CASE("an option that is not known is refused by its name", "[refusals]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  v1::EmbedRequest type;
  type.set_text("text");
  type.set_input_type(static_cast<v1::InputType>(3));
  v1::EmbedBatchRequest truncation;
  truncation.add_texts("text");
  truncation.set_truncate(static_cast<v1::Truncate>(3));
  v1::EmbedRequest instruction;
  instruction.set_text("text");
  instruction.set_instruction("Find physics");
  const auto info_of = [&](const std::string& method, const google::protobuf::Message& request) {
    const auto status = client.begin(method, request.SerializeAsString()).finish().status;
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    return error_info(status);
  };
  CHECK(info_of(kEmbed, type).reason() == "INVALID_ARGUMENT");
  CHECK(info_of(kEmbed, type).metadata().at("field") == "input_type");
  CHECK(info_of(kEmbedBatch, truncation).metadata().at("field") == "truncate");
  CHECK(info_of(kEmbedBatch, truncation).metadata().at("value") == "3");
  CHECK(info_of(kEmbed, instruction).reason() == "INVALID_ARGUMENT");
}

TEST_CASE("a message over the limit is refused with a reason, by each call", "[refusals]") {
  constexpr size_t kLimit = size_t{64} << 20;
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const std::string large(kLimit + 1, '\xFF');  // It is not looked at.
  const auto check = [&](const grpc::Status& status) {
    CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
    const auto info = error_info(status);
    CHECK(info.reason() == "REQUEST_TOO_LARGE");
    CHECK(info.metadata().at("limit") == std::to_string(kLimit));
    CHECK(info.metadata().at("bytes") == std::to_string(kLimit + 1));
  };
  for (const std::string& method : {kEmbed, kEmbedBatch, kHealth}) {
    CAPTURE(method);
    check(client.begin(method, large).finish().status);
  }
  auto stream = client.stream(kEmbedStream);
  stream.write(item(1, "before"));
  stream.write(large);
  CHECK(read_ids(stream) == std::vector<uint64_t>{1});
  check(stream.finish());
  auto push = client.stream(kSetCentroids);
  push.write(large);
  CHECK_FALSE(push.read().has_value());
  check(push.finish());
  CHECK(client.embed("text").status.ok());
}

TEST_CASE("a push is refused in the predecessor's words and with a reason", "[refusals]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  v1::SetCentroidsRequest header;
  header.mutable_header()->set_version("v");
  header.mutable_header()->set_dim(3);
  v1::SetCentroidsRequest batch;
  batch.mutable_batch()->add_centroids()->mutable_vec()->Resize(3, 1);
  struct Case {
    std::string message;
    std::vector<v1::SetCentroidsRequest> frames;
  };
  const Case cases[] = {
      {"empty stream: header frame required", {}},
      {"duplicate header frame", {header, header}},
      {"batch frame before header", {batch}},
      {"route: centroid set is empty", {header}},
      {"route: centroid dim 3 does not match embedding dim 256", {header, batch}}};
  for (const auto& [message, frames] : cases) {
    CAPTURE(message);
    auto push = client.stream(kSetCentroids);
    for (const auto& frame : frames) push.write(frame.SerializeAsString());
    push.close();
    CHECK_FALSE(push.read().has_value());
    const grpc::Status status = push.finish();
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(status.error_message() == message);
    CHECK(reason_of(status) == "INVALID_ARGUMENT");
  }
}
