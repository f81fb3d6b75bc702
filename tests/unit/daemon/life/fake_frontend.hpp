#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "daemon/api/frontend.hpp"

namespace runed::test {

/// A front end that claims what begins with its word, and keeps each connection. Any thread.
class FakeFrontend final : public daemon::Frontend {
 public:
  explicit FakeFrontend(std::string word) : word_(std::move(word)) {}

  void start(daemon::Api& /*api*/) override {}
  void end(std::chrono::milliseconds /*flush_time*/) override {}

  daemon::Claim judge(std::string_view first_bytes) const override {
    if (first_bytes.starts_with(word_)) return daemon::Claim::ours;
    return word_.starts_with(first_bytes) ? daemon::Claim::undecided : daemon::Claim::none;
  }

  void take(os::Fd connection) override {
    const std::lock_guard lock(mutex_);
    taken_.push_back(std::move(connection));
  }

  size_t count() const {
    const std::lock_guard lock(mutex_);
    return taken_.size();
  }

  /// The connection that was taken as the n-th, from 0.
  int taken(size_t n) const {
    const std::lock_guard lock(mutex_);
    return taken_.at(n).get();
  }

 private:
  const std::string word_;
  mutable std::mutex mutex_;  // Guards taken_.
  std::vector<os::Fd> taken_;
};

}  // namespace runed::test
