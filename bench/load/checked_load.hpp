#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "wire_client.hpp"

namespace runed::bench {

using Texts = std::vector<std::string>;
using Vectors = std::vector<std::vector<float>>;

/// How near two engines must come to each other.
inline constexpr double kBetweenEngines = 0.999;

/// Returns -1 for vectors of different lengths.
double cosine(const std::vector<float>& a, const std::vector<float>& b);

/// What clients got.
struct Tally {
  size_t calls = 0;
  size_t good = 0;   // Answers.
  size_t lost = 0;   // Texts without an answer in a call that ended well.
  size_t twice = 0;  // Answers beyond the number of texts.
  size_t wrong = 0;
  double worst = 1;
  std::map<std::string, size_t> errors;  // By reason and text.
  std::vector<double> times;             // Milliseconds of each call.
  double last_answer = 0;                // Milliseconds from the begin of all.
  double longest_gap = 0;                // Between two calls answered, of all clients.

  size_t failed() const;  // Calls that ended with an error.
};

/// Clients that ask for some of the texts, again and again, and check what they get.
class CheckedLoad {
 public:
  /// Borrows the texts and the vector that each must get.
  CheckedLoad(std::string socket_path, const Texts& texts, const Vectors& expected)
      : socket_path_(std::move(socket_path)), texts_(texts), expected_(expected) {}
  ~CheckedLoad() { finish(); }
  CheckedLoad(const CheckedLoad&) = delete;
  CheckedLoad& operator=(const CheckedLoad&) = delete;

  /// Each call has up to `most_texts` texts.
  void start(int clients, size_t most_texts);
  /// Lets the calls under way end.
  Tally finish();
  /// Returns how many calls have ended.
  size_t calls() const;

 private:
  void run(int number, size_t most_texts);
  void count(const std::vector<size_t>& chosen, const Result<std::vector<Answer>>& answers,
             double taken);

  const std::string socket_path_;
  const Texts& texts_;
  const Vectors& expected_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  // Guards tally_.
  Tally tally_;
  std::vector<std::thread> threads_;
};

}  // namespace runed::bench
