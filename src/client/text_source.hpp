#pragma once

#include <optional>
#include <string>

#include "base/embedding.hpp"
#include "base/result.hpp"

namespace runed::client {

/// Where the texts of a long job come from, one by one.
class TextSource {
 public:
  enum class State { text, pending, ended };
  struct Next {
    State state = State::ended;
    std::string text{};
  };

  virtual ~TextSource() = default;

  /// Takes the next text. Never waits: `pending` says that there is none yet.
  virtual Result<Next> next() = 0;

  /// The descriptor that becomes readable when `pending` is over.
  virtual int fd() const = 0;
};

/// Where its results go, in the order of the texts.
class ResultSink {
 public:
  virtual ~ResultSink() = default;

  /// Takes the result of the next text.
  virtual Status take(Embedding embedding) = 0;

  /// Told when everything that was read is answered and the source is pending.
  virtual Status on_pause() { return {}; }
};

}  // namespace runed::client
