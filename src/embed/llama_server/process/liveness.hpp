#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.hpp"

namespace runed::embed::llama_server {

/// Tells a llama-server that computes from one that hangs, while it owes us an answer.
///
/// A sign of life is an answer, to a request or to the health probe, or CPU time that it used: on
/// a busy machine a pass takes a hundred times what it takes on a quiet one (measured), so slowness
/// alone proves nothing. Without any sign for `silence` it hangs; and so it does, however alive it
/// seems, when what it was given is not done after a time that no engine needs.
class Liveness {
 public:
  struct Limits {
    std::chrono::milliseconds silence{10'000};
    std::chrono::milliseconds pass{120'000};  // For any pass; and for each token of it:
    std::chrono::milliseconds pass_per_token{500};
  };
  enum class Verdict { alive, silent, overdue };

  Liveness(const Limits& limits, SteadyTime now, uint64_t tokens,
           std::chrono::milliseconds cpu_time);

  void answered(SteadyTime now) { last_sign_ = now; }
  void used(std::chrono::milliseconds cpu_time, SteadyTime now);

  Verdict judge(SteadyTime now) const;

 private:
  const Limits limits_;
  const SteadyTime deadline_;
  SteadyTime last_sign_;
  std::chrono::milliseconds cpu_time_;
};

}  // namespace runed::embed::llama_server
