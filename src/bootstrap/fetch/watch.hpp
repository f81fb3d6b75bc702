#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.hpp"

namespace runed::bootstrap {

/// How whoever asked for a long piece of work follows it and stops it. Every function may be empty.
struct Watch {
  std::function<bool()> is_cancelled;  // Asked at least ten times a second.
  std::function<void(uint64_t bytes_done, uint64_t bytes_total)> on_progress;  // Total 0: unknown.
  std::function<void(const std::string&)> on_event;  // One line for people and the log.

  bool cancelled() const { return is_cancelled && is_cancelled(); }
  /// Errors: cancelled, once it is time to stop.
  Status check() const {
    if (cancelled()) return make_error(ErrorCode::cancelled, "interrupted");
    return {};
  }
  /// The same without progress and events: for many small pieces of work.
  Watch quiet() const { return {.is_cancelled = is_cancelled, .on_progress = {}, .on_event = {}}; }
  void progress(uint64_t bytes_done, uint64_t bytes_total) const {
    if (on_progress) on_progress(bytes_done, bytes_total);
  }
  void event(const std::string& text) const {
    if (on_event) on_event(text);
  }
};

}  // namespace runed::bootstrap
