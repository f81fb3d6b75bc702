#include "daemon/quarantine.hpp"

#include <utility>

#include "base/sha256.hpp"

namespace runed::daemon {

void Quarantine::add(std::span<const embed::TokenId> ids, Error error) {
  std::string key = sha256_hex(std::as_bytes(ids));
  if (!errors_.insert_or_assign(key, std::move(error)).second) return;
  order_.push_back(std::move(key));
  if (order_.size() <= kMostTexts) return;
  errors_.erase(order_.front());
  order_.pop_front();
}

std::optional<Error> Quarantine::find(std::span<const embed::TokenId> ids) const {
  if (errors_.empty()) return std::nullopt;  // As nearly always: no text is hashed for nothing.
  const auto found = errors_.find(sha256_hex(std::as_bytes(ids)));
  if (found == errors_.end()) return std::nullopt;
  return found->second;
}

void Quarantine::clear() {
  errors_.clear();
  order_.clear();
}

}  // namespace runed::daemon
