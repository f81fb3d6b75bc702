#pragma once

#include <fmt/core.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace runed {

/// What went wrong, in the terms a caller can act on. On the wire its name is the reason
/// (google.rpc.ErrorInfo.reason, domain `runed.v1`): those of the second group are for the wire in the
/// first place, and all of them are part of the contract.
enum class ErrorCode {
  invalid_argument,
  usage,
  bad_input,
  blank_line,
  no_input,
  model_mismatch,
  other_settings,  // A daemon runs with settings that are not those asked for.
  not_found,
  permission_denied,
  io,
  network,
  integrity,
  bad_config,
  unavailable,
  deadline_exceeded,
  cancelled,
  not_implemented,
  too_few_threads,  // To be had, of those that a library needs.
  engine_died,  // It ended or hung. Its supervisor answers it; no client sees it, nor the next two.
  engine_killed,  // Somebody else ended it.
  engine_fault,   // It answers what cannot be right.
  internal,

  bootstrapping,
  no_centroid_set,
  text_too_long,
  batch_too_large,
  bad_dimensions,
  empty_text,
  not_utf8,           // A text or a name in a request.
  request_too_large,  // More bytes than one message may have.
  queue_full,
  engine_restarting,
  engine_restarts_exhausted,
  shutting_down,
  model_missing,
  model_corrupt,
  model_unsupported,
  not_finite,
  engine_crashed_on_text,
  peer_refused,
};

/// Returns the code's name in the wire's spelling: `TEXT_TOO_LONG`.
std::string_view name_of(ErrorCode code);

/// Finds the code with this wire name.
std::optional<ErrorCode> find_error_code(std::string_view name);

/// google.rpc.ErrorInfo.domain of our errors, and the metadata key that carries Error::hint.
inline constexpr std::string_view kErrorDomain = "runed.v1";
inline constexpr std::string_view kHintKey = "hint";

/// The detail that says in how many seconds to try again; it travels as google.rpc.RetryInfo too.
inline constexpr std::string_view kRetryKey = "retry_seconds";

/// One failure, worded for the user: lower case, what then why, values quoted, no full stop.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string hint;                            // What to do about it; may be empty.
  std::map<std::string, std::string> details;  // Machine-readable values: index, tokens, limit.

  Error& with_hint(std::string text) & {
    hint = std::move(text);
    return *this;
  }
  Error&& with_hint(std::string text) && { return std::move(with_hint(std::move(text))); }

  Error& with_detail(std::string key, std::string value) & {
    details.insert_or_assign(std::move(key), std::move(value));
    return *this;
  }
  Error&& with_detail(std::string key, std::string value) && {
    return std::move(with_detail(std::move(key), std::move(value)));
  }
};

/// Makes an Error from a format string.
template <typename... Args>
Error make_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...), {}, {}};
}

/// Formats an error as the user sees it on stderr: `runed: error: …`, then `hint: …`. A name in it
/// that is not UTF-8 is shown with escapes.
std::string format_error(const Error& error);

/// Formats an error as the one-line JSON document that `--json` commands print.
std::string format_error_json(const Error& error);

}  // namespace runed
