#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "bootstrap/use/model_choice.hpp"

namespace runed::daemon {

/// A model that is to be served once it is asked for.
struct ModelDeclaration {
  std::string key;                   // Tells one model from another, whatever they are called.
  std::vector<std::string> names{};  // By which requests find it; the first is shown.
  bootstrap::ModelChoice choice{};
  std::string
      sha256{};  // Of one that a caller named by its file: what that must hash to. Else empty.
  std::optional<std::chrono::nanoseconds> idle_timeout{};  // None: the daemon's own.
  bool is_kept = false;  // It is loaded at the start and stays so.
};

/// The idle_timeout of a model that is kept only while somebody waits for it: 0 would be for ever.
inline constexpr std::chrono::nanoseconds kShortestIdle{1};

/// Returns the key of the model that was chosen.
inline std::string key_of(const bootstrap::ModelChoice& choice) {
  return choice.kind == bootstrap::ModelChoice::Kind::file ? "file:" + choice.path
                                                           : "variant:" + choice.variant;
}

/// Adds the default model to what is declared, unless it is. A name of its own that another model is
/// declared under is that one's: then it is called by its path.
void add_default(std::vector<ModelDeclaration>& declared, ModelDeclaration default_model);

}  // namespace runed::daemon
