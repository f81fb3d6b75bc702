#include "daemon/api/open_streams.hpp"

#include <algorithm>

namespace runed::daemon {
namespace {

constexpr size_t kTextsOfAll = 8192;  // 32 MB of vectors of 1024 floats.
constexpr size_t kMostTexts = 512;    // Of a few words each, three passes of 2048 tokens.
constexpr size_t kFewestTexts = 8;

}  // namespace

void OpenStreams::add(const std::shared_ptr<OpenStream>& stream) {
  bool closed = false;
  {
    const std::lock_guard lock(mutex_);
    streams_.push_back(stream);
    closed = closed_;
  }
  if (closed) stream->close();
}

void OpenStreams::remove(const OpenStream* stream) {
  std::shared_ptr<OpenStream> last;  // Ends after the lock.
  const std::lock_guard lock(mutex_);
  const auto found =
      std::ranges::find(streams_, stream, [](const auto& kept) { return kept.get(); });
  if (found == streams_.end()) return;
  last = std::move(*found);
  streams_.erase(found);
}

size_t OpenStreams::texts_each() const {
  const std::lock_guard lock(mutex_);
  return std::clamp(kTextsOfAll / std::max<size_t>(streams_.size(), 1), kFewestTexts, kMostTexts);
}

void OpenStreams::close() {
  std::vector<std::shared_ptr<OpenStream>> streams;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    streams = streams_;
  }
  for (const auto& stream : streams) stream->close();  // Not under the lock: it may be removed.
}

}  // namespace runed::daemon
