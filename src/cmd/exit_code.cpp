#include "cmd/exit_code.hpp"

namespace runed::cmd {

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
    case ErrorCode::invalid_argument:
    case ErrorCode::bad_dimensions:
      return ExitCode::usage;
    case ErrorCode::bad_input:
    case ErrorCode::batch_too_large:
    case ErrorCode::not_utf8:
      return ExitCode::bad_input;
    case ErrorCode::blank_line:
    case ErrorCode::empty_text:
      return ExitCode::blank_line;
    case ErrorCode::no_input:
      return ExitCode::no_input;
    case ErrorCode::text_too_long:
    case ErrorCode::request_too_large:
      return ExitCode::text_too_long;
    case ErrorCode::unavailable:
    case ErrorCode::engine_restarts_exhausted:
      return ExitCode::unavailable;
    case ErrorCode::unknown_model:
    case ErrorCode::model_missing:
    case ErrorCode::model_corrupt:
    case ErrorCode::model_unsupported:
    case ErrorCode::wrong_model_kind:
      return ExitCode::model;
    case ErrorCode::model_mismatch:
      return ExitCode::model_mismatch;
    case ErrorCode::other_settings:
      return ExitCode::other_settings;
    case ErrorCode::io:
      return ExitCode::io;
    case ErrorCode::network:
      return ExitCode::network;
    case ErrorCode::integrity:
      return ExitCode::integrity;
    case ErrorCode::queue_full:
    case ErrorCode::too_few_threads:
    case ErrorCode::engine_restarting:
    case ErrorCode::shutting_down:
    case ErrorCode::bootstrapping:
      return ExitCode::temporary;
    case ErrorCode::permission_denied:
    case ErrorCode::peer_refused:
      return ExitCode::permission;
    case ErrorCode::bad_config:
      return ExitCode::bad_config;
    case ErrorCode::deadline_exceeded:
      return ExitCode::timed_out;
    case ErrorCode::cancelled:
      return ExitCode::interrupted;
    case ErrorCode::internal:
    case ErrorCode::engine_died:
    case ErrorCode::engine_killed:
    case ErrorCode::engine_fault:
    case ErrorCode::not_finite:
    case ErrorCode::engine_crashed_on_text:
      return ExitCode::internal;
    case ErrorCode::not_found:
    case ErrorCode::not_implemented:
    case ErrorCode::no_centroid_set:
      return ExitCode::failure;
  }
  return ExitCode::failure;
}

}  // namespace runed::cmd
