#pragma once

#include <fmt/core.h>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/facts.hpp"

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
  engine_died,  // It ended or hung. Its EngineLife answers it; no client sees it, nor the next two.
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
  unknown_model,  // A name in a request that no model has.
  model_missing,
  model_corrupt,
  model_unsupported,
  wrong_model_kind,  // Vectors were asked of a reranker, or scores of an embedding model.
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

/// One failure, worded for the user: lower case, what then why, values quoted, no full stop.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string hint;  // What to do about it; may be empty.
  Facts facts;       // For programs.

  Error& with_hint(std::string text) & {
    hint = std::move(text);
    return *this;
  }
  Error&& with_hint(std::string text) && { return std::move(with_hint(std::move(text))); }

  template <typename Value>
  Error& with(Fact<Value> fact, std::type_identity_t<Value> value) & {
    facts.set(fact, std::move(value));
    return *this;
  }
  template <typename Value>
  Error&& with(Fact<Value> fact, std::type_identity_t<Value> value) && {
    return std::move(with(fact, std::move(value)));
  }

  /// Says what the failure is about, before what was said of it: `text 3: ...`.
  Error& in(std::string_view context) & {
    message.insert(0, ": ").insert(0, context);
    return *this;
  }
  Error&& in(std::string_view context) && { return std::move(in(context)); }
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
