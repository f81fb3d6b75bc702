#include "daemon/grpc/error_status.hpp"

#include <grpcpp/support/status.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "support/catch.hpp"

using runed::ErrorCode;
using runed::make_error;
using runed::daemon::to_status;

namespace {

google::rpc::ErrorInfo info_of(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  REQUIRE(details.ParseFromString(status.error_details()));
  CHECK(details.message() == status.error_message());
  CHECK(details.code() == status.error_code());
  REQUIRE(details.details(0).UnpackTo(&info));
  CHECK(info.domain() == "runed.v1");
  return info;
}

}  // namespace

TEST_CASE("a reason travels as ErrorInfo, with its details and its hint") {
  const grpc::Status status = to_status(make_error(ErrorCode::text_too_long, "too long")
                                            .with_hint("split it")
                                            .with(runed::fact::kLimit, 512));
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(status.error_message() == "too long");
  const auto info = info_of(status);
  CHECK(info.reason() == "TEXT_TOO_LONG");
  CHECK(info.metadata().at("limit") == "512");
  CHECK(info.metadata().at("hint") == "split it");
}

TEST_CASE("an error that says when to try again carries RetryInfo, and its reason first") {
  const grpc::Status status =
      to_status(make_error(ErrorCode::engine_restarts_exhausted, "it failed too often")
                    .with(runed::fact::kResetAt, "2026-01-02T03:14:05.000Z")
                    .with(runed::fact::kRetryAfter, std::chrono::seconds(593)));
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

TEST_CASE("every error has its name as its reason") {
  for (int i = 0; i <= static_cast<int>(ErrorCode::peer_refused); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    const grpc::Status status = to_status(make_error(code, "no"));
    CHECK(status.error_code() != grpc::StatusCode::OK);
    CHECK(info_of(status).reason() == name_of(code));
  }
}

TEST_CASE("a status is UTF-8, whatever the path in it") {
  const grpc::Status status = to_status(make_error(ErrorCode::model_missing, "no '/h\xff'")
                                            .with_hint("look at '/h\xff'")
                                            .with(runed::Fact<std::string>{"path"}, "/h\xff"));
  CHECK(status.error_message() == "no '/h\\xff'");
  const auto info = info_of(status);
  CHECK(info.metadata().at("path") == "/h\\xff");
  CHECK(info.metadata().at("hint") == "look at '/h\\xff'");
}

// Of trailers in all; the message is among them twice.
TEST_CASE("a status is no longer than a client takes that set nothing") {
  for (const char* letter : {"x", "\u20ac", "\xff", "%"}) {
    std::string path = "/";
    while (path.size() < 4000) path += letter;
    CAPTURE(letter);
    const grpc::Status status = to_status(make_error(ErrorCode::model_missing, "no '{}'", path)
                                              .with_hint("look at '" + path + "'")
                                              .with(runed::Fact<std::string>{"path"}, path));
    CHECK(3 * status.error_message().size() + 4 * status.error_details().size() / 3 < 8000);
    CHECK(status.error_message().starts_with("no '/"));
    CHECK(status.error_message().ends_with("..."));
    CHECK(info_of(status).reason() == "MODEL_MISSING");
  }
  const std::string path(2000, 'x');
  CHECK(to_status(make_error(ErrorCode::io, "{}", path)).error_message() == path);
}
