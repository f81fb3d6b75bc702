#include "daemon/models/quarantine.hpp"

#include <utility>

#include "base/sha256.hpp"

namespace runed::daemon {

void Quarantine::add(std::span<const embed::TokenId> ids, Error error) {
  const SteadyTime until = clock_.steady_now() + remember_;
  std::string key = sha256_hex(std::as_bytes(ids));
  if (!entries_.insert_or_assign(key, Entry{std::move(error), until}).second) return;
  order_.push_back(std::move(key));
  if (order_.size() <= kMostTexts) return;
  entries_.erase(order_.front());
  order_.pop_front();
}

std::optional<Error> Quarantine::find(std::span<const embed::TokenId> ids) const {
  if (entries_.empty()) return std::nullopt;  // As nearly always: no text is hashed for nothing.
  const auto found = entries_.find(sha256_hex(std::as_bytes(ids)));
  if (found == entries_.end() || found->second.until <= clock_.steady_now()) return std::nullopt;
  return found->second.error;
}

}  // namespace runed::daemon
