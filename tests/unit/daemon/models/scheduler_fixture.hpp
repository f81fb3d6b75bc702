#pragma once

#include <atomic>
#include <future>

#include "daemon/models/scheduler.hpp"
#include "scripted_engine.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

namespace runed::test {

using Answer = std::future<Result<std::vector<Embedding>>>;

/// Nobody waits for seconds in a test that is not about them.
inline constexpr daemon::RestartPolicy kAtOnce{.first_wait = std::chrono::milliseconds(1),
                                               .longest_wait = std::chrono::milliseconds(1),
                                               .first_pause = std::chrono::milliseconds(1),
                                               .longest_pause = std::chrono::milliseconds(1)};

/// A scheduler over a scripted engine.
struct SchedulerFixture {
  explicit SchedulerFixture(daemon::Scheduler::Options options = {.restarts = kAtOnce},
                            const std::function<void(ScriptedEngine::Script&)>& prepare = {})
      : script(prepare),
        scheduler([this](const auto&) { return std::make_unique<ScriptedEngine>(script); }, state,
                  clock, log, options,
                  [this](const Error& error) { load_error.set_value(error); }) {}

  void wait_for(daemon::Serving wanted) {
    REQUIRE(eventually([&] { return state.snapshot().serving == wanted; }));
  }

  Answer submit(std::vector<std::string> texts, const std::atomic<bool>* cancelled = nullptr,
                daemon::Priority priority = daemon::Priority::bulk) {
    auto promise = std::make_shared<std::promise<Result<std::vector<Embedding>>>>();
    Answer answer = promise->get_future();
    scheduler.submit({.texts = std::move(texts),
                      .options = {},
                      .priority = priority,
                      .route = {},
                      .is_cancelled = [cancelled] { return cancelled != nullptr && *cancelled; },
                      .done = [promise](auto result) { promise->set_value(std::move(result)); }});
    return answer;
  }

  SystemClock clock;
  Log log{Log::Format::json, clock};
  daemon::State state{clock, {}};
  ScriptedEngine::Script script;
  std::promise<Error> load_error;
  daemon::Scheduler scheduler;
};

inline Result<std::vector<Embedding>> get(Answer& answer) {
  if (answer.wait_for(std::chrono::seconds(5)) != std::future_status::ready) {
    FAIL("no answer within 5 s");
  }
  return answer.get();
}

}  // namespace runed::test
