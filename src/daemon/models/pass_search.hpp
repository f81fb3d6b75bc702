#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/embedding.hpp"
#include "base/log.hpp"
#include "daemon/models/engine_life.hpp"
#include "daemon/models/quarantine.hpp"
#include "embed/request.hpp"

namespace runed::daemon {

/// Texts for one forward pass, and whom to tell about each.
struct Pass {
  std::vector<const embed::PreparedText*> texts;
  std::function<bool(size_t text)> is_wanted;  // Callers may leave while it is computed.
  /// Called at most once a text, as soon as it is known.
  std::function<void(size_t text, Result<Embedding>)> deliver;
};

/// Gives passes to the engine, and when one fails finds the text that is at fault, so that only
/// that one fails: engine_crashed_on_text, not_finite or internal. It is remembered, and refused
/// without the engine, for a while; but not if the engine may have been at fault after all: it was
/// killed for want of memory, or could not be brought back.
class PassSearch {
 public:
  /// Owns: nothing; all arguments outlive it.
  PassSearch(EngineLife& engine_life, const Clock& clock, Log& log,
             std::chrono::nanoseconds remember)
      : engine_life_(engine_life), log_(log), quarantine_(clock, remember) {}

  /// Delivers every text that is still wanted.
  /// Needs:  a running engine.
  /// Errors: those of EngineLife::restart; the rest is not delivered.
  Status run(const Pass& pass);

 private:
  class Search;

  EngineLife& engine_life_;
  Log& log_;
  Quarantine quarantine_;
  bool has_completed_ = true;  // Anything since a text was last found guilty.
};

}  // namespace runed::daemon
