#pragma once

#include <exception>
#include <memory>
#include <utility>

#include "base/result.hpp"

namespace runed::daemon {

/// Whom the answer of one call goes to. An object a call, which is gone once the caller was told.
template <typename Value>
class Receiver {
 public:
  virtual ~Receiver() = default;

  /// Tells the caller. What it throws, it throws before the caller has been told anything.
  virtual void receive(Result<Value> result) = 0;

  /// Tells the caller that the call was lost, with a status that was prepared when the call began:
  /// there may be no memory for another one.
  virtual void drop() noexcept = 0;

  /// Tells whether the caller has left. Any thread, for as long as the call is not answered.
  virtual bool is_cancelled() const noexcept { return false; }
};

/// The answer that a call is owed. It is given once: by `give`, or as lost (INTERNAL) by the
/// destructor, so that whoever throws or forgets a call leaves nobody waiting, and nobody can be told
/// twice. For one thread at a time.
template <typename Value>
class Answer {
 public:
  explicit Answer(std::unique_ptr<Receiver<Value>> receiver) : receiver_(std::move(receiver)) {}
  Answer(Answer&& other) noexcept = default;
  Answer& operator=(Answer&& other) = delete;
  ~Answer() { drop(); }

  bool is_open() const { return receiver_ != nullptr; }

  /// Tells the caller that the call was lost, unless it was told something before.
  void drop() noexcept {
    if (const auto receiver = std::move(receiver_)) receiver->drop();
  }

  /// Tells whether somebody still waits for it.
  bool is_wanted() const { return receiver_ != nullptr && !receiver_->is_cancelled(); }

  /// Tells the caller, or that the call was lost if that throws. Does nothing if it was told before.
  void give(Result<Value> result) noexcept {
    const auto receiver = std::move(receiver_);
    if (receiver == nullptr) return;
    try {
      receiver->receive(std::move(result));
    } catch (const std::exception&) {
      receiver->drop();
    }
  }

 private:
  std::unique_ptr<Receiver<Value>> receiver_;  // Null: it was given.
};

}  // namespace runed::daemon
