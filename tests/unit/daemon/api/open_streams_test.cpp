#include "daemon/api/open_streams.hpp"

#include "support/catch.hpp"

using runed::daemon::OpenStream;
using runed::daemon::OpenStreams;

namespace {

struct Counted final : OpenStream {
  void close() noexcept override { ++closed; }
  int closed = 0;
};

}  // namespace

TEST_CASE("streams share what may be under way, and each has enough to go on") {
  OpenStreams streams;
  std::vector<std::shared_ptr<Counted>> all;
  const auto open = [&](size_t count) {
    while (all.size() < count) streams.add(all.emplace_back(std::make_shared<Counted>()));
    return streams.texts_each();
  };
  CHECK(streams.texts_each() == 512);
  CHECK(open(16) == 512);
  CHECK(open(64) == 128);
  CHECK(open(2000) == 8);
  for (const auto& stream : all) streams.remove(stream.get());
  CHECK(streams.texts_each() == 512);
}

TEST_CASE("closing reaches every stream that is open, and those to come") {
  OpenStreams streams;
  const auto gone = std::make_shared<Counted>();
  const auto open = std::make_shared<Counted>();
  streams.add(gone);
  streams.add(open);
  streams.remove(gone.get());
  CHECK(gone.use_count() == 1);
  streams.close();
  CHECK(gone->closed == 0);
  CHECK(open->closed == 1);
  const auto late = std::make_shared<Counted>();
  streams.add(late);
  CHECK(late->closed == 1);
}
