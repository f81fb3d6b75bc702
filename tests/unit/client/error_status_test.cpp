#include "client/error_status.hpp"

#include <grpcpp/support/status.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "support/catch.hpp"

using runed::ErrorCode;
using runed::client::to_error;

namespace {
grpc::Status with_reason(const char* domain, const char* reason) {
  google::rpc::ErrorInfo info;
  info.set_domain(domain);
  info.set_reason(reason);
  (*info.mutable_metadata())["limit"] = "512";
  (*info.mutable_metadata())["hint"] = "split the text";
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return {grpc::StatusCode::INVALID_ARGUMENT, "the text is long", details.SerializeAsString()};
}
}  // namespace

TEST_CASE("a reason of runed decides the code, and its metadata come along") {
  const runed::Error error = to_error(with_reason("runed.v1", "TEXT_TOO_LONG"));
  CHECK(error.code == ErrorCode::text_too_long);
  CHECK(error.message == "the text is long");
  CHECK(error.hint == "split the text");
  CHECK(error.facts.to_texts() == std::map<std::string, std::string>{{"limit", "512"}});
}

TEST_CASE("another domain's reason is not ours, and an unknown reason keeps the gRPC code") {
  CHECK(to_error(with_reason("example.com", "TEXT_TOO_LONG")).code == ErrorCode::invalid_argument);
  CHECK(to_error(with_reason("runed.v1", "OF_THE_FUTURE")).code == ErrorCode::invalid_argument);
}

TEST_CASE("without details the gRPC code decides") {
  CHECK(to_error({grpc::StatusCode::UNAVAILABLE, "gone"}).code == ErrorCode::unavailable);
  CHECK(to_error({grpc::StatusCode::DEADLINE_EXCEEDED, ""}).code == ErrorCode::deadline_exceeded);
  CHECK(to_error({grpc::StatusCode::UNIMPLEMENTED, ""}).code == ErrorCode::not_implemented);
  CHECK(to_error({grpc::StatusCode::UNKNOWN, "?"}).code == ErrorCode::internal);
}

TEST_CASE("the status of one text means what that of a call does") {
  const grpc::Status call = with_reason("runed.v1", "QUEUE_FULL");
  google::rpc::Status status;
  REQUIRE(status.ParseFromString(call.error_details()));
  status.set_code(grpc::StatusCode::RESOURCE_EXHAUSTED);
  status.set_message("the queue is full");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(2);
  status.add_details()->PackFrom(retry);
  const runed::Error error = to_error(status);
  CHECK(error.code == ErrorCode::queue_full);
  CHECK(error.message == "the queue is full");
  CHECK(error.hint == "split the text");
  CHECK(error.facts.text("limit") == "512");
  CHECK(error.facts.text("retry_seconds") == "2");
}
