#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/embedding.hpp"
#include "base/result.hpp"

namespace runed::client {

/// The texts of a stream between reading and delivery: it puts results back into the order of the
/// texts, and keeps each text until it is answered, so that it can be sent again. Bounded.
class TextWindow {
 public:
  struct Limits {
    size_t texts = 1024;             // Not yet delivered.
    size_t bytes = size_t{8} << 20;  // Of texts not yet answered; one text may have any size.
  };
  struct Unsent {
    uint64_t id = 0;  // The text's index in the input.
    std::shared_ptr<const std::string> text;
  };

  TextWindow() = default;
  explicit TextWindow(Limits limits) : limits_(limits) {}

  bool has_room() const { return slots_.size() < limits_.texts && bytes_ < limits_.bytes; }
  bool is_empty() const { return slots_.empty(); }
  bool is_waiting() const { return unanswered_ > 0; }
  bool has_unsent() const { return !unsent_.empty(); }

  void add(std::string text);

  /// Ends the input with a fault in the place of a text: delivered after everything before it.
  void add_fault(Error error);

  /// Takes the first text that has to be sent.
  std::optional<Unsent> take_unsent();

  /// Puts an answer in its place.
  /// Errors: internal if that text was not sent, or has its answer.
  Status answer(uint64_t id, Result<Embedding> result);

  /// Has a text sent once more, or all that were sent and are not answered.
  Status send_again(uint64_t id);
  void send_all_again();

  /// Takes the next result in the order of the texts, if it is there.
  std::optional<Result<Embedding>> take_next();

  /// The index of the text whose result `take_next` gives next.
  uint64_t next_id() const { return first_id_; }

 private:
  struct Slot {
    std::shared_ptr<const std::string> text;  // Null once answered.
    bool is_sent = false;
    std::optional<Result<Embedding>> result;
  };
  Result<Slot*> find_sent(uint64_t id);

  Limits limits_;
  std::deque<Slot> slots_;
  std::set<uint64_t> unsent_;
  uint64_t first_id_ = 0;  // Of slots_.front().
  size_t bytes_ = 0;
  size_t unanswered_ = 0;
};

}  // namespace runed::client
