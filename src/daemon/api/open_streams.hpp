#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace runed::daemon {

/// A stream of texts that is open.
class OpenStream {
 public:
  virtual ~OpenStream() = default;
  /// Takes no more texts, and ends the stream once those taken are answered. Any thread.
  virtual void close() noexcept = 0;
};

/// The streams that are open, who have to share what may be under way. Any thread.
class OpenStreams {
 public:
  /// Adds a stream until it is removed. After `close` it is closed at once.
  void add(const std::shared_ptr<OpenStream>& stream);
  void remove(const OpenStream* stream);

  /// Returns how many texts of one stream may be taken and not yet sent back as results: a few
  /// passes' worth while there is room for it, so that the engine never waits for the stream, and
  /// so many in all that clients who do not read take a few MB of memory.
  size_t texts_each() const;

  /// Closes every stream, the ones that come from now on too.
  void close();

 private:
  mutable std::mutex mutex_;  // Guards the members below.
  std::vector<std::shared_ptr<OpenStream>> streams_;
  bool closed_ = false;
};

}  // namespace runed::daemon
