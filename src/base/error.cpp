#include "base/error.hpp"

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace runed {
namespace {

struct NamedCode {
  ErrorCode code;
  std::string_view name;
};

constexpr std::array kNames{
    NamedCode{ErrorCode::invalid_argument, "INVALID_ARGUMENT"},
    NamedCode{ErrorCode::usage, "USAGE"},
    NamedCode{ErrorCode::bad_input, "BAD_INPUT"},
    NamedCode{ErrorCode::blank_line, "BLANK_LINE"},
    NamedCode{ErrorCode::no_input, "NO_INPUT"},
    NamedCode{ErrorCode::model_mismatch, "MODEL_MISMATCH"},
    NamedCode{ErrorCode::other_settings, "OTHER_SETTINGS"},
    NamedCode{ErrorCode::not_found, "NOT_FOUND"},
    NamedCode{ErrorCode::permission_denied, "PERMISSION_DENIED"},
    NamedCode{ErrorCode::io, "IO"},
    NamedCode{ErrorCode::network, "NETWORK"},
    NamedCode{ErrorCode::integrity, "INTEGRITY"},
    NamedCode{ErrorCode::bad_config, "BAD_CONFIG"},
    NamedCode{ErrorCode::unavailable, "UNAVAILABLE"},
    NamedCode{ErrorCode::deadline_exceeded, "DEADLINE_EXCEEDED"},
    NamedCode{ErrorCode::cancelled, "CANCELLED"},
    NamedCode{ErrorCode::not_implemented, "NOT_IMPLEMENTED"},
    NamedCode{ErrorCode::too_few_threads, "TOO_FEW_THREADS"},
    NamedCode{ErrorCode::engine_died, "ENGINE_DIED"},
    NamedCode{ErrorCode::engine_killed, "ENGINE_KILLED"},
    NamedCode{ErrorCode::engine_fault, "ENGINE_FAULT"},
    NamedCode{ErrorCode::internal, "INTERNAL"},
    NamedCode{ErrorCode::bootstrapping, "BOOTSTRAPPING"},
    NamedCode{ErrorCode::no_centroid_set, "NO_CENTROID_SET"},
    NamedCode{ErrorCode::text_too_long, "TEXT_TOO_LONG"},
    NamedCode{ErrorCode::batch_too_large, "BATCH_TOO_LARGE"},
    NamedCode{ErrorCode::bad_dimensions, "BAD_DIMENSIONS"},
    NamedCode{ErrorCode::empty_text, "EMPTY_TEXT"},
    NamedCode{ErrorCode::not_utf8, "NOT_UTF8"},
    NamedCode{ErrorCode::request_too_large, "REQUEST_TOO_LARGE"},
    NamedCode{ErrorCode::queue_full, "QUEUE_FULL"},
    NamedCode{ErrorCode::engine_restarting, "ENGINE_RESTARTING"},
    NamedCode{ErrorCode::engine_restarts_exhausted, "ENGINE_RESTARTS_EXHAUSTED"},
    NamedCode{ErrorCode::shutting_down, "SHUTTING_DOWN"},
    NamedCode{ErrorCode::unknown_model, "UNKNOWN_MODEL"},
    NamedCode{ErrorCode::model_missing, "MODEL_MISSING"},
    NamedCode{ErrorCode::model_corrupt, "MODEL_CORRUPT"},
    NamedCode{ErrorCode::model_unsupported, "MODEL_UNSUPPORTED"},
    NamedCode{ErrorCode::wrong_model_kind, "WRONG_MODEL_KIND"},
    NamedCode{ErrorCode::not_finite, "NOT_FINITE"},
    NamedCode{ErrorCode::engine_crashed_on_text, "ENGINE_CRASHED_ON_TEXT"},
    NamedCode{ErrorCode::peer_refused, "PEER_REFUSED"},
};

}  // namespace

std::string_view name_of(ErrorCode code) {
  const auto* found = std::ranges::find(kNames, code, &NamedCode::code);
  CHECK(found != kNames.end());
  return found->name;
}

std::optional<ErrorCode> find_error_code(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &NamedCode::name);
  if (found == kNames.end()) return std::nullopt;
  return found->code;
}

std::string format_error(const Error& error) {
  std::string text = fmt::format("runed: error: {}\n", error.message);
  if (!error.hint.empty()) text += fmt::format("hint: {}\n", error.hint);
  return escape_invalid_utf8(text);
}

std::string format_error_json(const Error& error) {
  Json body = {{"code", name_of(error.code)}, {"message", error.message}};
  if (!error.hint.empty()) body["hint"] = error.hint;
  if (!error.facts.is_empty()) body["details"] = error.facts.to_texts();
  return to_line(Json{{"error", std::move(body)}}) + "\n";
}

}  // namespace runed
