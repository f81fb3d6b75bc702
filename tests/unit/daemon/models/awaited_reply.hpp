#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/models/scheduler.hpp"

namespace runed::test {

/// What a caller is told by a scheduler whose turns another thread takes.
using AwaitedReply = std::future<Result<std::vector<Embedding>>>;

class ToPromise final : public daemon::EmbedReceiver {
 public:
  using Embeddings = std::vector<Embedding>;

  explicit ToPromise(std::promise<Result<Embeddings>> promise) : promise_(std::move(promise)) {}

  void receive(Result<Embeddings> result) override { promise_.set_value(std::move(result)); }
  void drop() noexcept override { promise_.set_value(Error{ErrorCode::internal, "lost", {}, {}}); }

 private:
  std::promise<Result<Embeddings>> promise_;
};

inline AwaitedReply submit_text(daemon::Scheduler& scheduler, const std::string& text) {
  std::promise<Result<std::vector<Embedding>>> promise;
  auto reply = promise.get_future();
  scheduler.submit(
      {.texts = {text},
       .options = {},
       .route = {},
       .answer = daemon::EmbedAnswer(std::make_unique<ToPromise>(std::move(promise)))});
  return reply;
}

}  // namespace runed::test
