#include "daemon/models/pass_search.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "live_engine.hpp"

using runed::Embedding;
using runed::Error;
using runed::ErrorCode;
using runed::make_error;
using runed::Result;
using runed::Status;
using runed::daemon::PassSearch;
using runed::daemon::Serving;
using runed::embed::PreparedText;
using runed::test::died;
using runed::test::killed;
using runed::test::LiveEngine;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;
using Sizes = std::vector<size_t>;
using Waits = std::vector<std::chrono::nanoseconds>;

struct Fixture : LiveEngine {
  // What became of each text of a pass, and in which order.
  struct Outcome {
    Status status;
    std::map<std::string, Result<Embedding>> results;
    Texts order;

    void add(const std::string& text, Result<Embedding> result) {
      order.push_back(text);
      REQUIRE(results.emplace(text, std::move(result)).second);
    }
  };

  Outcome run(const Texts& texts) {
    std::vector<PreparedText> prepared;
    for (const std::string& text : texts) prepared.push_back({.ids = {text.begin(), text.end()}});
    std::vector<const PreparedText*> pass;
    for (const PreparedText& text : prepared) pass.push_back(&text);
    script.pass_sizes.clear();
    waits.clear();
    PassSearch search(pass, life, quarantine, log);
    const auto is_wanted = [&](size_t text) { return !unwanted.contains(texts[text]); };
    Outcome outcome;
    while (outcome.status) {
      auto next = search.next(is_wanted);
      if (std::holds_alternative<PassSearch::Done>(next)) break;
      if (auto* embedded = std::get_if<PassSearch::Embedded>(&next)) {
        for (size_t i = 0; i < embedded->texts.size(); ++i) {
          outcome.add(texts[embedded->texts[i]], std::move(embedded->embeddings[i]));
        }
      } else if (auto* refused = std::get_if<PassSearch::Refused>(&next)) {
        outcome.add(texts[refused->text], std::move(refused->error));
      } else {
        const auto& failed = std::get<PassSearch::EngineFailed>(next);
        outcome.status = restart(failed.cause, failed.fault, search.incident());
      }
    }
    return outcome;
  }

  // The engine fails like this on each pass with such a text. Dead, it fails until it is started.
  void poison(const std::string& mark, Error error) {
    script.on_pass = [this, mark, error](const Texts& texts) -> Status {
      const bool fails = std::ranges::any_of(
          texts, [&](const auto& text) { return text.find(mark) != std::string::npos; });
      if (!fails) return {};
      if (error.code == ErrorCode::engine_died) script.death = error;
      return error;
    };
  }

  // The engine fails like this on the next passes, whatever is in them.
  void fail_next(std::vector<Error> errors) {
    script.on_pass = [this, errors, next = size_t{0}](const Texts&) mutable -> Status {
      if (next == errors.size()) return {};
      const Error& error = errors[next++];
      if (error.code == ErrorCode::engine_died || error.code == ErrorCode::engine_killed) {
        script.death = error;
      }
      return error;
    };
  }

  runed::daemon::Quarantine quarantine{clock, 10min};
  std::set<std::string> unwanted;
};

Texts many(size_t count, const std::set<size_t>& poisoned) {
  Texts texts;
  for (size_t i = 0; i < count; ++i) {
    texts.push_back(fmt::format("{}{:03}", poisoned.contains(i) ? "X" : "t", i));
  }
  return texts;
}

const Error kNotFinite{ErrorCode::not_finite, "the vector of text 0 is not finite", {}, {}};
const Error kFault{ErrorCode::engine_fault, "llama-server answered 500: too large", {}, {}};

}  // namespace

TEST_CASE("a pass that succeeds takes one call") {
  Fixture fixture;
  const auto outcome = fixture.run({"a", "bb"});
  unwrap(outcome.status);
  CHECK(unwrap(outcome.results.at("bb")).token_count == 2);
  CHECK(fixture.script.pass_sizes == Sizes{2});
}

TEST_CASE("a pass on which the engine died is given to the next engine whole") {
  Fixture fixture;
  fixture.fail_next({died()});
  const auto outcome = fixture.run({"a", "b", "c"});
  unwrap(outcome.status);
  for (const auto& [text, result] : outcome.results) unwrap(result);
  CHECK(outcome.results.size() == 3);
  CHECK(fixture.script.pass_sizes == Sizes{3, 3});
  CHECK(fixture.waits == Waits{1s});
  CHECK(fixture.life.restarts() == 1);
}

TEST_CASE("a pass that nobody wants any more is given up, without a fault") {
  Fixture fixture;
  fixture.script.on_pass = [&](const Texts&) -> Status {
    fixture.unwanted = {"a", "b"};
    return runed::embed::unwanted_error();
  };
  const auto outcome = fixture.run({"a", "b"});
  unwrap(outcome.status);
  CHECK(outcome.results.empty());
  CHECK(fixture.life.restarts() == 0);
}

TEST_CASE("a pass goes on for the one who stays, and for one who comes as it is given up") {
  Fixture fixture;
  fixture.fail_next({runed::embed::unwanted_error()});
  const auto outcome = fixture.run({"a", "b"});
  unwrap(outcome.status);
  CHECK(outcome.results.size() == 2);
  CHECK(fixture.script.pass_sizes == Sizes{2, 2});
  CHECK(fixture.life.restarts() == 0);
}

TEST_CASE("an engine that lost itself within a pass is started again") {
  Fixture fixture;
  fixture.fail_next({make_error(ErrorCode::unavailable, "the engine is not started")});
  const auto outcome = fixture.run({"a", "b"});
  for (const auto& [text, result] : outcome.results) unwrap(result);
  CHECK(outcome.results.size() == 2);
  CHECK(fixture.life.restarts() == 1);
}

TEST_CASE("one text of 64 that crashes the engine fails alone, and last") {
  for (const size_t culprit : {0UL, 21UL, 31UL, 32UL, 63UL}) {
    Fixture fixture;
    fixture.poison("X", died("llama-server was killed by SIGABRT"));
    const Texts texts = many(64, {culprit});
    const auto outcome = fixture.run(texts);
    unwrap(outcome.status);
    REQUIRE(outcome.results.size() == 64);
    for (const auto& [text, result] : outcome.results) {
      if (text != texts[culprit]) unwrap(result);
    }
    const Error error = unwrap_error(outcome.results.at(texts[culprit]));
    CHECK(error.code == ErrorCode::engine_crashed_on_text);
    CHECK(error.message == "the text crashes the engine: llama-server was killed by SIGABRT");
    CHECK(error.hint.find("leave it out or change it") == 0);
    // Whole, whole, then two pieces at each of six levels; a restart for each that crashed.
    CHECK(fixture.script.pass_sizes.size() == 14);
    CHECK(fixture.life.restarts() == 8);
    CHECK(fixture.waits == Waits{1s});
    // The half without it is answered first, and only its neighbour may come after it.
    const bool in_first_half = culprit < 32;
    const size_t first = in_first_half ? 32 : 0;
    CHECK(outcome.order.front() == texts[first]);
    const auto place = std::ranges::find(outcome.order, texts[culprit]) - outcome.order.begin();
    CHECK(place >= 62);
    CHECK(fixture.state.snapshot().serving == Serving::ok);
  }
}

TEST_CASE("two texts of 64 that crash the engine fail, and no other") {
  for (const auto& culprits : {std::set<size_t>{0, 1}, {0, 63}, {31, 32}, {5, 40}}) {
    Fixture fixture;
    fixture.poison("X", died());
    const auto outcome = fixture.run(many(64, culprits));
    unwrap(outcome.status);
    REQUIRE(outcome.results.size() == 64);
    for (const auto& [text, result] : outcome.results) {
      CHECK(result.has_value() == (text[0] != 'X'));
    }
    CHECK(fixture.script.pass_sizes.size() <= 26);
    CHECK(fixture.waits == Waits{1s});
  }
}

TEST_CASE("a pass of nothing but texts that crash the engine ends, with two calls a text") {
  Fixture fixture;
  fixture.poison("X", died());
  const auto outcome = fixture.run(many(4, {0, 1, 2, 3}));
  unwrap(outcome.status);
  CHECK(outcome.results.size() == 4);
  CHECK(fixture.script.pass_sizes == Sizes{4, 4, 2, 2, 1, 1, 1, 1});
  CHECK(fixture.state.snapshot().serving == Serving::ok);
}

TEST_CASE("a piece's sibling is tried before the piece is cut further") {
  Fixture fixture;
  fixture.poison("X", died());
  const auto outcome = fixture.run({"X", "b", "c", "d"});
  CHECK(fixture.script.pass_sizes == Sizes{4, 4, 2, 2, 1, 1});
  CHECK(outcome.order == Texts{"c", "d", "X", "b"});
}

TEST_CASE("a text that was at fault is refused at once, by the next engine too") {
  Fixture fixture;
  fixture.poison("X", died());
  unwrap(fixture.run({"X", "b"}).status);
  const int restarts = fixture.life.restarts();

  auto outcome = fixture.run({"c", "X"});
  CHECK(unwrap_error(outcome.results.at("X")).code == ErrorCode::engine_crashed_on_text);
  unwrap(outcome.results.at("c"));
  CHECK(outcome.order == Texts{"X", "c"});
  CHECK(fixture.script.pass_sizes == Sizes{1});
  outcome = fixture.run({"X"});
  CHECK(outcome.results.size() == 1);
  CHECK(fixture.script.pass_sizes.empty());
  CHECK(fixture.life.restarts() == restarts);

  runed::daemon::Incident incident;
  unwrap(fixture.restart(killed(), runed::daemon::Fault::engine, incident));
  outcome = fixture.run({"a", "X"});
  CHECK(outcome.order == Texts{"X", "a"});
  CHECK(fixture.script.pass_sizes == Sizes{1});
}

TEST_CASE("a pass whose model is not what it was ends, and the engine with it") {
  Fixture fixture;
  const Error changed = make_error(ErrorCode::model_corrupt, "the model '/m' was changed");
  fixture.script.on_pass = [&](const Texts&) -> Status {
    fixture.script.death = changed;
    return changed;
  };
  const auto outcome = fixture.run({"a", "b", "c"});
  const Error error = unwrap_error(outcome.status);
  CHECK(error.code == ErrorCode::model_corrupt);
  CHECK(error.message == "the model '/m' was changed");
  CHECK(error.hint ==
        "put the file back, or end the daemon with 'runed shutdown --wait 10': the next one serves "
        "what is there");
  CHECK(outcome.results.empty());
  CHECK(fixture.script.pass_sizes == Sizes{3});
  CHECK(fixture.script.stops == 1);
  CHECK(fixture.life.restarts() == 0);
  CHECK(fixture.state.snapshot().serving == runed::daemon::Serving::degraded);
  CHECK(fixture.state.snapshot().reason == ErrorCode::model_corrupt);
  // It serves again when the engine finds the file as it was.
  fixture.script.on_pass = nullptr;
  unwrap(fixture.ensure_ready());
  unwrap(fixture.run({"a"}).results.at("a"));
}

TEST_CASE("a text whose ids the model does not have fails alone") {
  Fixture fixture;
  fixture.poison("X", make_error(ErrorCode::model_corrupt, "token 9 is outside the vocabulary"));
  const auto outcome = fixture.run({"a", "X", "c"});
  unwrap(outcome.status);
  CHECK(unwrap_error(outcome.results.at("X")).code == ErrorCode::model_corrupt);
  unwrap(outcome.results.at("a"));
  unwrap(outcome.results.at("c"));
  CHECK(fixture.state.snapshot().serving == runed::daemon::Serving::ok);
}

TEST_CASE("a text that was at fault is given another chance after a while") {
  Fixture fixture;
  fixture.poison("X", died());
  fixture.run({"X", "b"});
  fixture.fail_next({});
  fixture.clock.advance(10min);
  unwrap(fixture.run({"X"}).results.at("X"));
}

TEST_CASE("a text for which the engine had too little memory fails, and is not refused later") {
  Fixture fixture;
  fixture.poison("X", died("llama-server was killed by SIGKILL").with(runed::fact::kSignal, 9));
  const auto outcome = fixture.run({"X", "b"});
  unwrap(outcome.results.at("b"));
  const Error error = unwrap_error(outcome.results.at("X"));
  CHECK(error.code == ErrorCode::engine_crashed_on_text);
  CHECK(error.hint == "split the text, or give the engine more memory");
  fixture.fail_next({});
  unwrap(fixture.run({"X"}).results.at("X"));
}

TEST_CASE("an engine that is given up keeps its charges, and no text is refused for it") {
  Fixture fixture;
  fixture.script.on_pass = [](const Texts&) -> Status { return kFault; };
  const auto outcome = fixture.run({"a", "b", "c", "d"});
  const Error error = unwrap_error(outcome.status);
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.facts.text("retry_seconds") == "593");
  CHECK(outcome.order == Texts{"a", "b", "c"});
  CHECK(fixture.state.snapshot().reason == ErrorCode::engine_restarts_exhausted);

  const Error still = unwrap_error(fixture.ensure_ready());
  CHECK(still.code == ErrorCode::engine_restarts_exhausted);
  CHECK(still.facts.text("reset_at") == error.facts.text("reset_at"));
  fixture.clock.advance(593s);
  fixture.script.on_pass = nullptr;
  unwrap(fixture.ensure_ready());
  const auto again = fixture.run({"a", "b", "c"});
  for (const auto& [text, result] : again.results) unwrap(result);
  CHECK(fixture.script.pass_sizes == Sizes{3});
}

TEST_CASE("texts that crash the engine shut nobody out, however many come") {
  Fixture fixture;
  fixture.poison("X", died());
  for (int i = 0; i < 20; ++i) {
    const auto outcome = fixture.run({fmt::format("X{}", i), "good"});
    unwrap(outcome.status);
    unwrap(outcome.results.at("good"));
    CHECK(fixture.waits == Waits{1s});
  }
}

TEST_CASE("an engine that crashes on every text spends its budget, and most texts are not blamed") {
  Fixture fixture;
  fixture.poison("", died());
  std::vector<Error> errors;
  for (const char* text : {"a", "b", "c", "d", "e"}) {
    const auto outcome = fixture.run({text});
    errors.push_back(outcome.status ? unwrap_error(outcome.results.at(text))
                                    : outcome.status.error());
  }
  CHECK(errors[0].code == ErrorCode::engine_crashed_on_text);
  CHECK(errors[4].code == ErrorCode::engine_restarts_exhausted);
  // The engine is mended, and what it did to the later texts is forgotten.
  fixture.clock.advance(700s);
  fixture.script.on_pass = nullptr;
  unwrap(fixture.ensure_ready());
  for (const char* text : {"b", "c", "d", "e"}) {
    unwrap(fixture.run({text}).results.at(text));
  }
}

TEST_CASE("an engine that dies without a text at fault spends its budget") {
  Fixture fixture;
  fixture.script.on_pass = [&fixture](const Texts& texts) -> Status {
    if (texts.size() == 1) return {};
    fixture.script.death = died("too much at once");
    return died("too much at once");
  };
  auto outcome = fixture.run({"a", "b", "c", "d"});  // Four deaths, and each text well alone.
  unwrap(outcome.status);
  for (const auto& [text, result] : outcome.results) unwrap(result);
  outcome = fixture.run({"a", "b"});
  const Error error = unwrap_error(outcome.status);
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.message.find("too much at once") != std::string::npos);
  CHECK(outcome.results.empty());
}

TEST_CASE("a pass whose engine somebody kills is repeated whole for as long as it is wanted") {
  Fixture fixture;
  fixture.fail_next({killed(), killed(), killed(), killed(), killed()});
  auto outcome = fixture.run({"a", "b"});
  unwrap(outcome.status);
  for (const auto& [text, result] : outcome.results) unwrap(result);
  CHECK(fixture.script.pass_sizes == Sizes{2, 2, 2, 2, 2, 2});
  CHECK(fixture.waits == Waits{100ms, 200ms, 400ms, 800ms, 1s});

  fixture.fail_next(std::vector<Error>(1000, killed()));
  fixture.on_wait = [&fixture] {
    if (fixture.waits.size() == 2) fixture.unwanted.insert("a");
    if (fixture.waits.size() == 4) fixture.unwanted.insert("b");
  };
  outcome = fixture.run({"a", "b"});
  unwrap(outcome.status);
  CHECK(outcome.results.empty());
  CHECK(fixture.script.pass_sizes == Sizes{2, 2, 1, 1});
  CHECK(fixture.state.snapshot().serving == Serving::ok);
}

TEST_CASE("a kill within a search is not held against the texts") {
  Fixture fixture;
  fixture.fail_next({died(), died(), killed(), died()});
  const auto outcome = fixture.run({"a", "b"});
  unwrap(outcome.status);
  // Whole twice, then the first half: killed, again, died: at fault.
  CHECK(fixture.script.pass_sizes == Sizes{2, 2, 1, 1, 1});
  CHECK(unwrap_error(outcome.results.at("a")).code == ErrorCode::engine_crashed_on_text);
  unwrap(outcome.results.at("b"));
}

TEST_CASE("texts that nobody waits for any more are not searched") {
  Fixture fixture;
  fixture.poison("X", died());
  fixture.on_wait = [&fixture] { fixture.unwanted = {"X", "b"}; };
  const auto outcome = fixture.run({"X", "b", "c", "d"});
  unwrap(outcome.status);
  CHECK(outcome.order == Texts{"c", "d"});
  CHECK(fixture.script.pass_sizes == Sizes{4, 2});
}

TEST_CASE("a text is tried again before and after a restart when its vector is not finite") {
  Fixture fixture;
  fixture.poison("X", kNotFinite);
  const auto outcome = fixture.run({"a", "b", "c", "X"});
  unwrap(outcome.status);
  const Error error = unwrap_error(outcome.results.at("X"));
  CHECK(error.code == ErrorCode::not_finite);
  CHECK(error.message == "the text's vector is not finite, not even from a fresh engine");
  for (const auto* text : {"a", "b", "c"}) unwrap(outcome.results.at(text));
  CHECK(fixture.script.pass_sizes == Sizes{4, 2, 2, 1, 1, 1, 1});
  CHECK(fixture.life.restarts() == 1);
  CHECK(fixture.waits == Waits{1s});

  // It is remembered as what it was, and its restart is refunded.
  CHECK(unwrap_error(fixture.run({"X"}).results.at("X")).code == ErrorCode::not_finite);
  CHECK(fixture.script.pass_sizes.empty());
  fixture.run({"XX"});
  CHECK(fixture.waits == Waits{1s});
}

TEST_CASE("an answer that cannot be right fails its text with the engine's words") {
  Fixture fixture;
  fixture.poison("X", kFault);
  const auto outcome = fixture.run({"a", "X"});
  const Error error = unwrap_error(outcome.results.at("X"));
  CHECK(error.code == ErrorCode::internal);
  CHECK(error.message == "llama-server answered 500: too large");
  unwrap(outcome.results.at("a"));
}

TEST_CASE("a bad answer that does not come again costs no restart") {
  Fixture fixture;
  fixture.fail_next({kFault, kNotFinite});
  const auto outcome = fixture.run({"a", "b"});
  unwrap(outcome.results.at("a"));
  unwrap(outcome.results.at("b"));
  CHECK(fixture.script.pass_sizes == Sizes{2, 1, 1, 1});
  CHECK(fixture.life.restarts() == 0);
}

TEST_CASE("an engine that answers well after a restart was at fault, and is charged") {
  Fixture fixture;
  for (const auto wait : {1s, 2s, 4s}) {
    fixture.fail_next({kNotFinite, kNotFinite});
    unwrap(fixture.run({"a"}).results.at("a"));
    CHECK(fixture.waits == Waits{wait});
  }
  fixture.fail_next({kNotFinite, kNotFinite});
  CHECK(unwrap_error(fixture.run({"a"}).status).code == ErrorCode::engine_restarts_exhausted);
}

TEST_CASE("an error of another kind fails the text alone, without a restart or a memory") {
  Fixture fixture;
  fixture.poison("X", make_error(ErrorCode::internal, "out of memory"));
  for (int i = 0; i < 2; ++i) {
    const auto outcome = fixture.run({"a", "X"});
    CHECK(unwrap_error(outcome.results.at("X")).message == "out of memory");
    unwrap(outcome.results.at("a"));
    CHECK(fixture.script.pass_sizes == Sizes{2, 1, 1});
  }
  CHECK(fixture.life.restarts() == 0);
}

TEST_CASE("an engine that throws fails the texts, not the daemon") {
  Fixture fixture;
  fixture.script.on_pass = [](const Texts&) -> Status { throw std::bad_alloc(); };
  const Error error = unwrap_error(fixture.run({"a"}).results.at("a"));
  CHECK(error.code == ErrorCode::internal);
  CHECK(error.message.find("cannot embed: ") == 0);
}

TEST_CASE("a pass that is interrupted ends at once") {
  Fixture fixture;
  fixture.script.interrupt();
  const auto outcome = fixture.run({"a", "b"});
  CHECK(unwrap_error(outcome.status).code == ErrorCode::shutting_down);
  CHECK(fixture.script.pass_sizes == Sizes{2});
}
