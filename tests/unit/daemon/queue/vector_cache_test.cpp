#include "daemon/queue/vector_cache.hpp"

#include "support/catch.hpp"

using runed::Embedding;
using runed::daemon::VectorCache;
using runed::embed::ModelInfo;

namespace {

const auto kModel = std::make_shared<const ModelInfo>();
Embedding vector_of(float value) {
  return {.vector = std::vector<float>(256, value), .norm = 10 * value};  // 1 KiB.
}

const Embedding kVector = vector_of(0.5F);

// What is known of a text: its value and its norm, or 0 each.
std::pair<float, float> find(VectorCache& cache, const std::shared_ptr<const ModelInfo>& model,
                             const VectorCache::Ids& ids) {
  const auto found = cache.find(model, ids);
  if (!found.has_value()) return {0.0F, 0.0F};
  CHECK(found->vector == std::vector<float>(256, found->vector.front()));
  return {found->vector.front(), found->norm};
}

}  // namespace

TEST_CASE("a vector is found again by all of its ids") {
  VectorCache cache(1 << 20);
  cache.put(kModel, {1, 2, 3}, vector_of(1));
  cache.put(kModel, {1, 2}, vector_of(2));
  CHECK(find(cache, kModel, {1, 2, 3}) == std::pair(1.0F, 10.0F));
  CHECK(find(cache, kModel, {1, 2}) == std::pair(2.0F, 20.0F));
  CHECK_FALSE(cache.find(kModel, {1, 2, 4}).has_value());
  CHECK_FALSE(cache.find(kModel, {1}).has_value());
  CHECK_FALSE(cache.find(kModel, {}).has_value());
}

TEST_CASE("of vectors that do not fit, those not asked for the longest go") {
  VectorCache cache(10 << 10);
  for (uint32_t id = 0; id < 8; ++id) cache.put(kModel, {id}, kVector);
  const size_t all = cache.bytes();
  CHECK(all > 8 * 1024);
  CHECK(all <= 10 << 10);
  CHECK(cache.find(kModel, {0}).has_value());  // The oldest is asked for again.
  cache.put(kModel, {8}, kVector);
  CHECK(cache.bytes() == all);
  CHECK(cache.find(kModel, {0}).has_value());
  CHECK_FALSE(cache.find(kModel, {1}).has_value());
  CHECK(cache.find(kModel, {8}).has_value());
}

TEST_CASE("a vector that is put twice takes one place") {
  VectorCache cache(1 << 20);
  cache.put(kModel, {1}, kVector);
  const size_t once = cache.bytes();
  cache.put(kModel, {1}, kVector);
  CHECK(cache.bytes() == once);
}

TEST_CASE("the vectors of one model are not those of another") {
  VectorCache cache(1 << 20);
  const auto other = std::make_shared<const ModelInfo>();
  cache.put(kModel, {1}, vector_of(1));
  CHECK_FALSE(cache.find(other, {1}).has_value());
  cache.put(other, {1}, vector_of(2));
  CHECK(find(cache, other, {1}) == std::pair(2.0F, 20.0F));
  CHECK_FALSE(cache.find(kModel, {1}).has_value());
}

TEST_CASE("nothing is kept without capacity, nor after clearing") {
  VectorCache none(0);
  none.put(kModel, {1}, kVector);
  CHECK_FALSE(none.find(kModel, {1}).has_value());
  VectorCache cache(1 << 20);
  cache.put(kModel, {1}, kVector);
  cache.clear();
  CHECK(cache.bytes() == 0);
  CHECK_FALSE(cache.find(kModel, {1}).has_value());
}
