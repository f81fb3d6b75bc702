#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/embedding.hpp"
#include "base/log.hpp"
#include "daemon/models/engine_life.hpp"
#include "daemon/models/quarantine.hpp"
#include "embed/request.hpp"

namespace runed::daemon {

/// One forward pass, as a machine that is asked for one outcome after another: it gives the texts to
/// the engine, and when that fails finds the text that is at fault, so that only that one fails:
/// engine_crashed_on_text, not_finite or internal. Such a text is remembered, and refused without the
/// engine, for a while; but not if the engine may have been at fault after all: it was killed for
/// want of memory, or could not be brought back.
class PassSearch {
 public:
  /// Texts of the pass by their number, and their embeddings.
  struct Embedded {
    std::vector<size_t> texts;
    std::vector<Embedding> embeddings;
  };
  /// A text that fails.
  struct Refused {
    size_t text;
    Error error;
  };
  /// The engine is to be started again (EngineLife::fail) before the search goes on.
  struct EngineFailed {
    Error cause;
    Fault fault;
  };
  /// Every text that is wanted has had its outcome.
  struct Done {};
  using Outcome = std::variant<Embedded, Refused, EngineFailed, Done>;

  /// Tells whether somebody still waits for a text: callers may leave while it is computed.
  using IsWanted = std::function<bool(size_t text)>;

  /// Owns: nothing; the texts and the other arguments outlive it.
  PassSearch(std::vector<const embed::PreparedText*> texts, EngineLife& engine,
             Quarantine& quarantine, Log& log);

  /// Goes on until there is something to tell. A text has one outcome at most; one that is not wanted
  /// any more may have none.
  /// Needs:  a ready engine.
  Outcome next(const IsWanted& is_wanted);

  /// The account of the restarts that this pass leads to.
  Incident& incident() { return incident_; }

 private:
  struct Piece {
    std::vector<size_t> texts;
    bool has_died = false;   // The engine died on it, or on what it was cut from.
    size_t bad_answers = 0;  // For a text alone.
  };

  std::optional<Outcome> try_piece(Piece piece, const IsWanted& is_wanted);
  std::optional<Outcome> judge(Piece piece, Error error);
  Outcome judge_death(Piece piece, Error error);
  std::optional<Outcome> judge_bad_answer(Piece piece, Error error);
  std::optional<Outcome> judge_text(Piece piece, Error error);
  void cut(const Piece& piece);
  Refused refuse(size_t text, Error error, bool is_remembered);
  void settle();

  const std::vector<const embed::PreparedText*> texts_;
  EngineLife& engine_;
  Quarantine& quarantine_;
  Log& log_;
  std::deque<Refused> known_;  // Of texts that are remembered.
  std::deque<Piece> pieces_;
  std::optional<EngineFailed> failed_;  // To be told next.
  Incident incident_;
  bool is_settled_ = false;
  std::vector<std::pair<size_t, Error>> at_fault_;  // Texts to be remembered.
  Fault fault_ = Fault::engine;
};

}  // namespace runed::daemon
