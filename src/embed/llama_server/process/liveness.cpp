#include "embed/llama_server/process/liveness.hpp"

namespace runed::embed::llama_server {

Liveness::Liveness(const Limits& limits, SteadyTime now, uint64_t tokens,
                   std::chrono::milliseconds cpu_time)
    : limits_(limits),
      deadline_(now + limits.pass + limits.pass_per_token * tokens),
      last_sign_(now),
      cpu_time_(cpu_time) {}

void Liveness::used(std::chrono::milliseconds cpu_time, SteadyTime now) {
  if (cpu_time > cpu_time_) last_sign_ = now;
  cpu_time_ = cpu_time;
}

Liveness::Verdict Liveness::judge(SteadyTime now) const {
  if (now - last_sign_ > limits_.silence) return Verdict::silent;
  return now > deadline_ ? Verdict::overdue : Verdict::alive;
}

}  // namespace runed::embed::llama_server
