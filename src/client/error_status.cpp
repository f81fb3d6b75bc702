#include "client/error_status.hpp"

#include <grpcpp/support/status.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace runed::client {
namespace {

ErrorCode code_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
      return ErrorCode::invalid_argument;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:  // gRPC's own: a message beyond the size limit.
      return ErrorCode::text_too_long;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:  // We cancel nothing: a daemon that ends cut the call.
      return ErrorCode::unavailable;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return ErrorCode::deadline_exceeded;
    case grpc::StatusCode::PERMISSION_DENIED:
      return ErrorCode::permission_denied;
    case grpc::StatusCode::NOT_FOUND:
      return ErrorCode::not_found;
    case grpc::StatusCode::UNIMPLEMENTED:
      return ErrorCode::not_implemented;
    default:
      return ErrorCode::internal;
  }
}

// What only RetryInfo says: not a daemon of ours, but it means the same.
void add_retry(const google::rpc::RetryInfo& retry, Error& error) {
  if (error.facts.has(fact::kRetryAfter)) return;
  error.facts.set(fact::kRetryAfter, std::chrono::seconds(retry.retry_delay().seconds()) +
                                         std::chrono::nanoseconds(retry.retry_delay().nanos()));
}

void add_details(const google::rpc::Status& status, Error& error) {
  for (const auto& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info) && info.domain() == kErrorDomain) {
      error.code = find_error_code(info.reason()).value_or(error.code);
      for (const auto& [name, text] : info.metadata()) {
        if (name == kHintKey) {
          error.hint = text;
        } else {
          error.facts.add_text(name, text);
        }
      }
    } else if (detail.UnpackTo(&retry)) {
      add_retry(retry, error);
    }
  }
}

}  // namespace

Error to_error(const grpc::Status& status) {
  Error error{code_of(status.error_code()), status.error_message(), {}, {}};
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) add_details(details, error);
  if (error.code == ErrorCode::unavailable && details.details().empty()) {
    error.message = kConnectionLost;
  }
  return error;
}

Error to_error(const google::rpc::Status& status) {
  Error error{code_of(static_cast<grpc::StatusCode>(status.code())), status.message(), {}, {}};
  add_details(status, error);
  return error;
}

}  // namespace runed::client
