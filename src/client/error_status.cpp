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
    case grpc::StatusCode::UNIMPLEMENTED:
      return ErrorCode::not_implemented;
    default:
      return ErrorCode::internal;
  }
}

}  // namespace

Error to_error(const grpc::Status& status) {
  Error error{code_of(status.error_code()), status.error_message(), {}, {}};
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return error;
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (!detail.UnpackTo(&info) || info.domain() != kErrorDomain) continue;
    error.code = find_error_code(info.reason()).value_or(error.code);
    error.details.insert(info.metadata().begin(), info.metadata().end());
    if (auto hint = error.details.extract(std::string(kHintKey))) error.hint = hint.mapped();
  }
  return error;
}

}  // namespace runed::client
