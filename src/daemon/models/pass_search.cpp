// A pass that fails is cut into halves until the text at fault is alone. The pieces wait in one
// line: the sibling of a piece that failed is tried before that piece's own halves, so that the
// texts that are all right are answered first.
//
//   the engine died     Once more, since the engine may have been at fault; then halves.
//   it was killed       Once more, for as long as somebody wants the texts: they are not suspect.
//   it answered badly   Halves without a restart, since one odd text can spoil a whole answer;
//                       alone once more, then once more on a fresh engine.
//   anything else       Halves; alone it fails as it is.
#include "daemon/models/pass_search.hpp"

#include <algorithm>
#include <csignal>
#include <deque>
#include <string>
#include <utility>

namespace runed::daemon {
namespace {

constexpr const char* kRefusedHint =
    "leave it out or change it: for a while the same text is refused at once";

// Nobody else uses it on an engine that died: those were told apart before.
bool is_out_of_memory(const Error& death) {
  const auto signal = death.details.find(std::string(embed::kSignalKey));
  return signal != death.details.end() && signal->second == std::to_string(SIGKILL);
}

Error crash_error(const Error& cause) {
  return make_error(ErrorCode::engine_crashed_on_text, "the text crashes the engine: {}",
                    cause.message)
      .with_hint(is_out_of_memory(cause) ? "split the text, or give the engine more memory"
                                         : kRefusedHint);
}

Error bad_answer_error(const Error& cause) {
  if (cause.code == ErrorCode::not_finite) {
    return make_error(ErrorCode::not_finite,
                      "the text's vector is not finite, not even from a fresh engine")
        .with_hint(kRefusedHint);
  }
  return make_error(ErrorCode::internal, "{}", cause.message).with_hint(kRefusedHint);
}

struct Piece {
  std::vector<size_t> texts;
  bool has_died = false;   // The engine died on it, or on what it was cut from.
  size_t bad_answers = 0;  // For a text alone.
};

}  // namespace

/// One pass under way.
class PassSearch::Search {
 public:
  Search(PassSearch& runner, const Pass& pass) : pass_search_(runner), pass_(pass) {}

  Status run() {
    refuse_known();
    while (!pieces_.empty()) {
      Piece piece = std::move(pieces_.front());
      pieces_.pop_front();
      std::erase_if(piece.texts, [this](size_t text) { return !pass_.is_wanted(text); });
      if (!piece.texts.empty()) TRY(try_piece(std::move(piece)));
    }
    return {};
  }

  // Once the engine is back: until then, all that happened may have been its own fault. And so may
  // what one that has completed nothing since the last text was found guilty.
  void settle() {
    if (blame_ == Blame::text && !std::exchange(pass_search_.has_completed_, false)) {
      pass_search_.engine_life_.settle(incident_, Blame::engine);
      return;
    }
    pass_search_.engine_life_.settle(incident_, blame_);
    for (auto& [text, error] : convicted_) {
      pass_search_.quarantine_.add(pass_.texts[text]->ids, std::move(error));
    }
  }

 private:
  void refuse_known() {
    Piece all;
    for (size_t text = 0; text < pass_.texts.size(); ++text) {
      if (auto known = pass_search_.quarantine_.find(pass_.texts[text]->ids)) {
        pass_.deliver(text, *std::move(known));
      } else {
        all.texts.push_back(text);
      }
    }
    pieces_.push_back(std::move(all));
  }

  Status try_piece(Piece piece) {
    std::vector<const embed::PreparedText*> texts;
    texts.reserve(piece.texts.size());
    for (const size_t text : piece.texts) texts.push_back(pass_.texts[text]);
    auto embeddings = pass_search_.engine_life_.embed(
        texts, [&] { return std::ranges::any_of(piece.texts, pass_.is_wanted); });
    if (!embeddings) return answer(std::move(piece), std::move(embeddings).error());
    pass_search_.has_completed_ = true;
    for (size_t i = 0; i < piece.texts.size(); ++i) {
      pass_.deliver(piece.texts[i], std::move((*embeddings)[i]));
    }
    return {};
  }

  Status answer(Piece piece, Error error) {
    switch (error.code) {
      case ErrorCode::shutting_down:
        return error;
      case ErrorCode::cancelled:  // Unless somebody came for it meanwhile, it is not tried again.
        pieces_.push_front(std::move(piece));
        return {};
      case ErrorCode::engine_killed:
        pieces_.push_front(std::move(piece));
        return restart(std::move(error), Blame::engine);
      case ErrorCode::engine_died:
      case ErrorCode::unavailable:  // It is not even started: it failed as it made room for a pass.
        return answer_death(std::move(piece), std::move(error));
      case ErrorCode::engine_fault:
      case ErrorCode::not_finite:
        return answer_bad_answer(std::move(piece), std::move(error));
      case ErrorCode::model_corrupt:
        // Of the file, if the engine says it of no text at all.
        if (Status sound = pass_search_.engine_life_.check_engine(); !sound) {
          return restart(std::move(sound).error(), Blame::engine);
        }
        [[fallthrough]];
      default:
        if (piece.texts.size() > 1) {
          cut(piece);
        } else {
          pass_search_.log_.error("a text cannot be embedded", {{"error", error.message}});
          pass_.deliver(piece.texts.front(), std::move(error));
        }
        return {};
    }
  }

  Status answer_death(Piece piece, Error error) {
    if (!std::exchange(piece.has_died, true)) {
      pieces_.push_front(std::move(piece));
      return restart(std::move(error), Blame::engine);
    }
    if (piece.texts.size() > 1) {
      cut(piece);
    } else {
      convict(piece.texts.front(), crash_error(error), !is_out_of_memory(error));
    }
    return restart(std::move(error), Blame::text);
  }

  Status answer_bad_answer(Piece piece, Error error) {
    if (piece.texts.size() > 1) {
      cut(piece);
      return {};
    }
    const size_t times = ++piece.bad_answers;
    if (times == 3) {
      convict(piece.texts.front(), bad_answer_error(error), true);
      return {};
    }
    pieces_.push_front(std::move(piece));
    return times == 1 ? Status() : restart(std::move(error), Blame::engine);
  }

  void cut(const Piece& piece) {
    const auto middle = piece.texts.begin() + static_cast<std::ptrdiff_t>(piece.texts.size() / 2);
    pieces_.push_back({.texts = {piece.texts.begin(), middle}, .has_died = piece.has_died});
    pieces_.push_back({.texts = {middle, piece.texts.end()}, .has_died = piece.has_died});
  }

  void convict(size_t text, Error error, bool is_remembered) {
    pass_search_.log_.error("a text was found guilty", {{"reason", name_of(error.code)},
                                                        {"tokens", pass_.texts[text]->ids.size()},
                                                        {"error", error.message}});
    blame_ = Blame::text;
    if (is_remembered) convicted_.emplace_back(text, error);
    pass_.deliver(text, std::move(error));
  }

  Status restart(Error error, Blame blame) {
    return pass_search_.engine_life_.restart(std::move(error), blame, incident_);
  }

  PassSearch& pass_search_;
  const Pass& pass_;
  std::deque<Piece> pieces_;
  Incident incident_;
  Blame blame_ = Blame::engine;
  std::vector<std::pair<size_t, Error>> convicted_;  // Texts to be remembered.
};

Status PassSearch::run(const Pass& pass) {
  Search search(*this, pass);
  TRY(search.run());
  search.settle();
  return {};
}

}  // namespace runed::daemon
