#include "daemon/error_status.hpp"

#include <grpcpp/support/status.h>

#include <charconv>
#include <cmath>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace runed::daemon {
namespace {

grpc::StatusCode code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::text_too_long:
    case ErrorCode::batch_too_large:
    case ErrorCode::bad_dimensions:
    case ErrorCode::empty_text:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::bootstrapping:
    case ErrorCode::no_centroid_set:
    case ErrorCode::model_missing:
    case ErrorCode::model_corrupt:
    case ErrorCode::model_unsupported:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::queue_full:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::engine_restarting:
    case ErrorCode::engine_restarts_exhausted:
    case ErrorCode::shutting_down:
    case ErrorCode::unavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::permission_denied:
    case ErrorCode::peer_refused:
      return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::deadline_exceeded:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case ErrorCode::cancelled:
      return grpc::StatusCode::CANCELLED;
    default:
      return grpc::StatusCode::INTERNAL;
  }
}

void add_retry_info(const Error& error, google::rpc::Status& details) {
  const auto found = error.details.find(std::string(kRetryKey));
  if (found == error.details.end()) return;
  const std::string& text = found->second;
  double seconds = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec != std::errc{}) return;
  double whole = 0;
  const double part = std::modf(seconds, &whole);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(static_cast<int64_t>(whole));
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(part * 1e9));
  details.add_details()->PackFrom(retry);
}

}  // namespace

google::rpc::Status to_message(const Error& error) {
  google::rpc::Status message;
  message.set_code(code_of(error.code));
  message.set_message(error.message);
  if (!is_wire_reason(error.code)) return message;
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(name_of(error.code)));
  info.set_domain(std::string(kErrorDomain));
  for (const auto& [key, value] : error.details) (*info.mutable_metadata())[key] = value;
  if (!error.hint.empty()) (*info.mutable_metadata())[std::string(kHintKey)] = error.hint;
  message.add_details()->PackFrom(info);
  add_retry_info(error, message);
  return message;
}

grpc::Status to_status(const Error& error) {
  const google::rpc::Status message = to_message(error);
  if (message.details().empty()) return {code_of(error.code), error.message};
  return {code_of(error.code), error.message, message.SerializeAsString()};
}

}  // namespace runed::daemon
