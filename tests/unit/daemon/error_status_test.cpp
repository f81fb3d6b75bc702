#include "daemon/error_status.hpp"

#include <grpcpp/support/status.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "support/catch.hpp"

using runed::ErrorCode;
using runed::make_error;
using runed::daemon::to_status;

TEST_CASE("a reason travels as ErrorInfo, with its details and its hint") {
  const grpc::Status status = to_status(make_error(ErrorCode::text_too_long, "too long")
                                            .with_hint("split it")
                                            .with_detail("limit", "512"));
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(status.error_message() == "too long");
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(status.error_details()));
  CHECK(details.code() == grpc::StatusCode::INVALID_ARGUMENT);
  google::rpc::ErrorInfo info;
  REQUIRE(details.details(0).UnpackTo(&info));
  CHECK(info.reason() == "TEXT_TOO_LONG");
  CHECK(info.domain() == "runed.v1");
  CHECK(info.metadata().at("limit") == "512");
  CHECK(info.metadata().at("hint") == "split it");
}

TEST_CASE("an error that says when to try again carries RetryInfo, and its reason first") {
  const grpc::Status status =
      to_status(make_error(ErrorCode::engine_restarts_exhausted, "it failed too often")
                    .with_detail("reset_at", "2026-01-02T03:14:05.000Z")
                    .with_detail("retry_seconds", "593"));
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(status.error_details()));
  REQUIRE(details.details_size() == 2);
  google::rpc::ErrorInfo info;
  REQUIRE(details.details(0).UnpackTo(&info));
  CHECK(info.reason() == "ENGINE_RESTARTS_EXHAUSTED");
  CHECK(info.metadata().at("reset_at") == "2026-01-02T03:14:05.000Z");
  google::rpc::RetryInfo retry;
  REQUIRE(details.details(1).UnpackTo(&retry));
  CHECK(retry.retry_delay().seconds() == 593);
  CHECK(retry.retry_delay().nanos() == 0);
}

TEST_CASE("the reasons have the codes of the contract") {
  const auto code = [](ErrorCode reason) {
    return to_status(make_error(reason, "x")).error_code();
  };
  CHECK(code(ErrorCode::bootstrapping) == grpc::StatusCode::FAILED_PRECONDITION);
  CHECK(code(ErrorCode::no_centroid_set) == grpc::StatusCode::FAILED_PRECONDITION);
  CHECK(code(ErrorCode::model_missing) == grpc::StatusCode::FAILED_PRECONDITION);
  CHECK(code(ErrorCode::batch_too_large) == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(code(ErrorCode::bad_dimensions) == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(code(ErrorCode::empty_text) == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(code(ErrorCode::queue_full) == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(code(ErrorCode::shutting_down) == grpc::StatusCode::UNAVAILABLE);
  CHECK(code(ErrorCode::engine_restarts_exhausted) == grpc::StatusCode::UNAVAILABLE);
  CHECK(code(ErrorCode::not_finite) == grpc::StatusCode::INTERNAL);
  CHECK(code(ErrorCode::peer_refused) == grpc::StatusCode::PERMISSION_DENIED);
}

TEST_CASE("an error outside the contract's list carries no reason") {
  const grpc::Status status = to_status(make_error(ErrorCode::invalid_argument, "no"));
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(status.error_details().empty());
}
