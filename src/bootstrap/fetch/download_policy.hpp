#pragma once

#include <chrono>
#include <cstdint>

namespace runed::bootstrap {

/// How patient a download is, and what it may use.
struct DownloadPolicy {
  std::chrono::milliseconds connect_timeout{15'000};  // Name, connection and TLS together.
  uint32_t low_speed_bytes = 1024;                    // Per second ...
  std::chrono::seconds low_speed_time{30};     // ... below it for this long: a stalled transfer.
  int attempts = 5;                            // On one URL, below it all together.
  std::chrono::milliseconds first_wait{1000};  // Then doubled, with jitter.
  std::chrono::milliseconds longest_wait{30'000};
  std::chrono::seconds longest_retry_after{300};   // A server that asks for more is given up.
  uint64_t reserve_bytes = uint64_t{64} << 20;     // Of disk left free ...
  uint64_t space_step_bytes = uint64_t{32} << 20;  // ... looked at after so many.
  bool offline = false;                            // Nothing is asked of the network.
};

}  // namespace runed::bootstrap
