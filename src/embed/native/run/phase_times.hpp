#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace runed::embed::native {

/// The steps of a forward pass, each of which is a few jobs of the thread pool at most.
enum class Phase {
  look_up,  // Embeddings of the tokens, and finding out where the texts are.
  norm,     // RMS norms of whole rows, and turning those into the number format.
  qkv,      // Products for queries, keys and values.
  keys,     // Norm and rotation of the keys.
  attention,
  prepare,  // Turning other rows into the number format.
  output,   // The product after attention, added to the residual stream.
  gate_up,  // The products into the feed-forward layer, with its activation.
  down,     // The product out of it, added to the residual stream.
  finish,   // The last norm, and unit length.
};

inline constexpr std::array<std::string_view, 10> kPhaseNames{
    "look up", "norm",   "qkv",      "keys", "attention",
    "prepare", "output", "gate, up", "down", "finish"};

/// Adds up where the time of passes goes, as the thread sees it that asks for them. A phase lasts
/// from the end of the one before, so nothing between two of them is lost.
class PhaseTimes {
 public:
  /// Starts the clock of a pass.
  void begin() { last_ = std::chrono::steady_clock::now(); }

  /// Counts the time since the last phase, or `begin`, as this phase's.
  void end(Phase phase) {
    const auto now = std::chrono::steady_clock::now();
    spent_[static_cast<size_t>(phase)] += now - last_;
    last_ = now;
  }

  /// [phases], of all passes so far.
  const std::array<std::chrono::nanoseconds, kPhaseNames.size()>& spent() const { return spent_; }

 private:
  std::array<std::chrono::nanoseconds, kPhaseNames.size()> spent_{};
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace runed::embed::native
