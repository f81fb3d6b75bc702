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
#include <string>
#include <utility>

namespace runed::daemon {
namespace {

constexpr const char* kRefusedHint =
    "leave it out or change it: for a while the same text is refused at once";

// Nobody else uses it on an engine that died: those were told apart before.
bool is_out_of_memory(const Error& death) {
  const auto* const signal = death.facts.find(fact::kSignal);
  return signal != nullptr && *signal == SIGKILL;
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

}  // namespace

PassSearch::PassSearch(std::vector<const embed::PreparedText*> texts, EngineLife& engine,
                       Quarantine& quarantine, Log& log)
    : texts_(std::move(texts)), engine_(engine), quarantine_(quarantine), log_(log) {
  Piece all;
  for (size_t text = 0; text < texts_.size(); ++text) {
    if (auto known = quarantine_.find(texts_[text]->ids)) {
      known_.push_back({text, *std::move(known)});
    } else {
      all.texts.push_back(text);
    }
  }
  pieces_.push_back(std::move(all));
}

PassSearch::Outcome PassSearch::next(const IsWanted& is_wanted) {
  if (!known_.empty()) {
    Refused refused = std::move(known_.front());
    known_.pop_front();
    return refused;
  }
  if (failed_.has_value()) return *std::exchange(failed_, std::nullopt);
  while (!pieces_.empty()) {
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    std::erase_if(piece.texts, [&](size_t text) { return !is_wanted(text); });
    if (piece.texts.empty()) continue;
    if (auto outcome = try_piece(std::move(piece), is_wanted)) return *std::move(outcome);
  }
  if (!std::exchange(is_settled_, true)) settle();
  return Done{};
}

std::optional<PassSearch::Outcome> PassSearch::try_piece(Piece piece, const IsWanted& is_wanted) {
  std::vector<const embed::PreparedText*> texts;
  texts.reserve(piece.texts.size());
  for (const size_t text : piece.texts) texts.push_back(texts_[text]);
  auto embeddings =
      engine_.embed(texts, [&] { return std::ranges::any_of(piece.texts, is_wanted); });
  if (!embeddings) return judge(std::move(piece), std::move(embeddings).error());
  return Embedded{std::move(piece.texts), *std::move(embeddings)};
}

std::optional<PassSearch::Outcome> PassSearch::judge(Piece piece, Error error) {
  switch (error.code) {
    case ErrorCode::shutting_down:
      return EngineFailed{std::move(error), Fault::engine};
    case ErrorCode::cancelled:  // Unless somebody came for it meanwhile, it is not tried again.
      pieces_.push_front(std::move(piece));
      return std::nullopt;
    case ErrorCode::engine_killed:
      pieces_.push_front(std::move(piece));
      return EngineFailed{std::move(error), Fault::engine};
    case ErrorCode::engine_died:
    case ErrorCode::unavailable:  // It is not even started: it failed as it made room for a pass.
      return judge_death(std::move(piece), std::move(error));
    case ErrorCode::engine_fault:
    case ErrorCode::not_finite:
      return judge_bad_answer(std::move(piece), std::move(error));
    case ErrorCode::model_corrupt:
      // Of the file, if the engine says it of no text at all.
      if (Status sound = engine_.check_engine(); !sound) {
        return EngineFailed{std::move(sound).error(), Fault::engine};
      }
      return judge_text(std::move(piece), std::move(error));
    default:
      return judge_text(std::move(piece), std::move(error));
  }
}

PassSearch::Outcome PassSearch::judge_death(Piece piece, Error error) {
  if (!std::exchange(piece.has_died, true)) {
    pieces_.push_front(std::move(piece));
    return EngineFailed{std::move(error), Fault::engine};
  }
  if (piece.texts.size() > 1) {
    cut(piece);
    return EngineFailed{std::move(error), Fault::text};
  }
  Refused refused = refuse(piece.texts.front(), crash_error(error), !is_out_of_memory(error));
  failed_ = EngineFailed{std::move(error), Fault::text};
  return refused;
}

std::optional<PassSearch::Outcome> PassSearch::judge_bad_answer(Piece piece, Error error) {
  if (piece.texts.size() > 1) {
    cut(piece);
    return std::nullopt;
  }
  const size_t times = ++piece.bad_answers;
  if (times == 3) return refuse(piece.texts.front(), bad_answer_error(error), true);
  pieces_.push_front(std::move(piece));
  if (times == 1) return std::nullopt;
  return EngineFailed{std::move(error), Fault::engine};
}

std::optional<PassSearch::Outcome> PassSearch::judge_text(Piece piece, Error error) {
  if (piece.texts.size() > 1) {
    cut(piece);
    return std::nullopt;
  }
  log_.error("a text cannot be embedded", {{"error", error.message}});
  return Refused{piece.texts.front(), std::move(error)};
}

void PassSearch::cut(const Piece& piece) {
  const auto middle = piece.texts.begin() + static_cast<std::ptrdiff_t>(piece.texts.size() / 2);
  pieces_.push_back({.texts = {piece.texts.begin(), middle}, .has_died = piece.has_died});
  pieces_.push_back({.texts = {middle, piece.texts.end()}, .has_died = piece.has_died});
}

PassSearch::Refused PassSearch::refuse(size_t text, Error error, bool is_remembered) {
  log_.error("a text is at fault", {{"reason", name_of(error.code)},
                                    {"tokens", texts_[text]->ids.size()},
                                    {"error", error.message}});
  fault_ = Fault::text;
  if (is_remembered) at_fault_.emplace_back(text, error);
  return {text, std::move(error)};
}

// Once the engine is back: until then, all that happened may have been its own fault.
void PassSearch::settle() {
  if (engine_.settle(incident_, fault_) == Fault::engine) return;
  for (auto& [text, error] : at_fault_) quarantine_.add(texts_[text]->ids, std::move(error));
}

}  // namespace runed::daemon
