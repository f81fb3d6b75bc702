#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/queue/job.hpp"

namespace runed::daemon {

/// A job that waits for a text, as its text number `index`.
struct Recipient {
  std::shared_ptr<PendingJob> job;
  size_t index;
};

/// A tokenised text, with all who wait for it: identical texts are computed once.
struct WaitingText {
  bool is_wanted() const;

  embed::PreparedText text;  // tokens_dropped is each recipient's own, and not here.
  std::vector<Recipient> recipients;
  Priority priority;
  bool is_taken = false;  // Into a pass.
};

/// The texts that wait for a forward pass. Used by one thread.
///
/// Callers take turns, a text each, so that a batch of a thousand does not keep one of ten waiting.
/// What is next in turn, up to a window of some passes, is put longest first: passes are filled
/// well, and the texts of one are of like length. A window is used up before texts that came later
/// are taken, so that nobody is overtaken for long.
class TextQueue {
 public:
  using Texts = std::vector<std::shared_ptr<WaitingText>>;

  /// Adds one text of a job, or makes the job wait for an identical one: one that waits already, or
  /// one in the pass under way. Needs: its ids, which are taken.
  void add(const std::shared_ptr<PendingJob>& job, size_t index);

  /// Tells whether a text waits that anybody still wants.
  bool is_waiting(Priority priority);

  /// Takes the texts of the next pass: as many as fit `budget` tokens, and at least one if any is
  /// wanted. They can still be waited for, until `forget`.
  Texts take(Priority priority, size_t budget);

  /// Ends a text's time in the queue: it is answered.
  void forget(const WaitingText& text);

  void clear();

 private:
  using TextPtr = std::shared_ptr<WaitingText>;
  struct Flow {
    uint64_t id;
    std::deque<TextPtr> texts;
  };
  struct Class {
    std::list<Flow> flows;  // In turn.
    std::unordered_map<uint64_t, std::list<Flow>::iterator> by_id;
    Texts window;
  };

  Class& of(Priority priority) { return classes_[static_cast<size_t>(priority)]; }
  void enqueue(const TextPtr& text, uint64_t flow);
  bool is_to_do(const WaitingText& text, Priority priority);
  void drop_unwanted(Priority priority);
  TextPtr next_in_turn(Priority priority);
  void refill(Priority priority, size_t budget);

  std::array<Class, 2> classes_;
  std::unordered_map<std::string_view, TextPtr> by_ids_;  // The key is in the text itself.
};

}  // namespace runed::daemon
