#include "daemon/grpc/error_status.hpp"

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.hpp"
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
    case ErrorCode::not_utf8:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::bootstrapping:
    case ErrorCode::no_centroid_set:
    case ErrorCode::model_missing:
    case ErrorCode::model_corrupt:
    case ErrorCode::model_unsupported:
    case ErrorCode::wrong_model_kind:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::unknown_model:
      return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::queue_full:
    case ErrorCode::request_too_large:
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

// A client that set nothing takes 8 KiB of trailers. The message is among them twice: by itself, where a
// byte that is not printable ASCII becomes three, and in the details, in base64.
constexpr size_t kMostTrailerBytes = 7 << 10;
constexpr size_t kMostTextBytes = 1000;

size_t trailer_bytes(const google::protobuf::Message& details, std::string_view message) {
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '%'; };
  const auto plain = static_cast<size_t>(std::ranges::count_if(message, is_plain));
  return plain + 3 * (message.size() - plain) + details.ByteSizeLong() * 4 / 3;
}

void shorten(std::string& text) {
  if (text.size() > kMostTextBytes) text = printable(text, kMostTextBytes);
}

Error shortened(Error error) {
  shorten(error.message);
  shorten(error.hint);
  Facts facts;
  for (auto& [name, text] : error.facts.to_texts()) {
    shorten(text);
    facts.add_text(name, text);
  }
  error.facts = std::move(facts);
  return error;
}

void add_retry_info(const Error& error, google::rpc::Status& details) {
  const auto* const time = error.facts.find(fact::kRetryAfter);
  if (time == nullptr) return;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*time);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(seconds.count());
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>((*time - seconds).count()));
  details.add_details()->PackFrom(retry);
}

}  // namespace

google::rpc::Status to_message(const Error& error) {
  google::rpc::Status message;
  message.set_code(code_of(error.code));
  message.set_message(escape_invalid_utf8(error.message));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(name_of(error.code)));
  info.set_domain(std::string(kErrorDomain));
  auto& metadata = *info.mutable_metadata();
  for (const auto& [key, value] : error.facts.to_texts()) {
    metadata[escape_invalid_utf8(key)] = escape_invalid_utf8(value);
  }
  if (!error.hint.empty()) metadata[std::string(kHintKey)] = escape_invalid_utf8(error.hint);
  message.add_details()->PackFrom(info);
  add_retry_info(error, message);
  return message;
}

grpc::Status to_status(const Error& error) {
  google::rpc::Status message = to_message(error);
  if (trailer_bytes(message, message.message()) > kMostTrailerBytes) {
    message = to_message(shortened(error));
  }
  return {code_of(error.code), message.message(), message.SerializeAsString()};
}

const grpc::Status& lost_status() {
  static const grpc::Status status =
      to_status(make_error(ErrorCode::internal, "the call was lost: out of memory"));
  return status;
}

// The text is short enough to need no memory.
grpc::ServerUnaryReactor* finish_lost(grpc::CallbackServerContext& context) {
  grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  reactor->Finish({grpc::StatusCode::INTERNAL, "out of memory"});
  return reactor;
}

}  // namespace runed::daemon
