#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/embedding.hpp"
#include "embed/engine.hpp"

namespace runed::daemon {

/// Keeps the vectors of the texts asked for last, in bounded memory. The key is what the model was
/// given, every token id of it: the prompt, the task and the truncation are in the ids, and a cut of
/// dimensions is made of the native vector that is kept. Any thread.
class VectorCache {
 public:
  using Ids = std::vector<embed::TokenId>;

  /// `capacity_bytes` 0: keeps nothing.
  explicit VectorCache(size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}

  /// Finds the vector of a text by this model, and its norm; it is the last one asked for then.
  std::optional<Embedding> find(const std::shared_ptr<const embed::ModelInfo>& model,
                                const Ids& ids);

  /// Keeps a vector and its norm, in place of those that were not asked for the longest. The vectors of another
  /// model are dropped.
  void put(const std::shared_ptr<const embed::ModelInfo>& model, const Ids& ids,
           const Embedding& computed);

  void clear();

  /// Memory taken, within a few percent.
  size_t bytes() const;

 private:
  struct Entry {
    Ids ids;
    std::vector<float> vector;
    float norm;
  };
  static size_t bytes_of(const Ids& ids, const std::vector<float>& vector);
  void drop_oldest();

  const size_t capacity_bytes_;
  mutable std::mutex mutex_;  // Guards the members below.
  std::shared_ptr<const embed::ModelInfo> model_;
  std::list<Entry> entries_;                                                 // The newest first.
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_ids_;  // Bytes of Entry::ids.
  size_t bytes_ = 0;
};

}  // namespace runed::daemon
