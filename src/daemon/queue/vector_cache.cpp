#include "daemon/queue/vector_cache.hpp"

#include "daemon/queue/ids_key.hpp"

namespace runed::daemon {
namespace {

// Nodes of the list and of the map, their bucket, and malloc's headers.
constexpr size_t kEntryOverhead = 192;

}  // namespace

std::optional<Embedding> VectorCache::find(
    const std::shared_ptr<const embed::ModelInfo>& model, const Ids& ids) {
  const std::lock_guard lock(mutex_);
  if (model_ != model) return std::nullopt;
  const auto found = by_ids_.find(ids_key(ids));
  if (found == by_ids_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return Embedding{.vector = found->second->vector, .norm = found->second->norm};
}

void VectorCache::put(const std::shared_ptr<const embed::ModelInfo>& model, const Ids& ids,
                      const Embedding& computed) {
  const size_t bytes = bytes_of(ids, computed.vector);
  if (bytes > capacity_bytes_) return;
  const std::lock_guard lock(mutex_);
  if (model_ != model) {
    by_ids_.clear();
    entries_.clear();
    bytes_ = 0;
    model_ = model;
  }
  if (by_ids_.contains(ids_key(ids))) return;
  std::list<Entry> added;  // Apart, until nothing can throw any more.
  added.push_front({ids, computed.vector, computed.norm});
  by_ids_.emplace(ids_key(added.front().ids), added.begin());
  entries_.splice(entries_.begin(), added);
  bytes_ += bytes;
  while (bytes_ > capacity_bytes_) drop_oldest();
}

void VectorCache::clear() {
  const std::lock_guard lock(mutex_);
  by_ids_.clear();
  entries_.clear();
  bytes_ = 0;
}

size_t VectorCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

size_t VectorCache::bytes_of(const Ids& ids, const std::vector<float>& vector) {
  return kEntryOverhead + ids.size() * sizeof(embed::TokenId) + vector.size() * sizeof(float);
}

void VectorCache::drop_oldest() {
  const Entry& oldest = entries_.back();
  bytes_ -= bytes_of(oldest.ids, oldest.vector);
  by_ids_.erase(ids_key(oldest.ids));
  entries_.pop_back();
}

}  // namespace runed::daemon
