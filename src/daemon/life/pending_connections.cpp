#include "daemon/life/pending_connections.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "os/net/peek.hpp"
#include "os/net/poll.hpp"

namespace runed::daemon {
namespace {

// A connection of which too few bytes are here stays readable, so waiting for it would not wait.
constexpr std::chrono::milliseconds kLookInterval{20};

struct Judgement {
  Frontend* owner = nullptr;
  bool is_final = false;
};

Judgement judge(const std::vector<Frontend*>& frontends, std::string_view first_bytes) {
  bool is_undecided = false;
  for (Frontend* frontend : frontends) {
    const Claim claim = frontend->judge(first_bytes);
    if (claim == Claim::ours) return {.owner = frontend, .is_final = true};
    if (claim == Claim::undecided) is_undecided = true;
  }
  return {.owner = nullptr, .is_final = !is_undecided || first_bytes.size() >= kMostFirstBytes};
}

}  // namespace

PendingConnections::PendingConnections(std::vector<Frontend*> frontends, const Clock& clock,
                                       Log& log)
    : frontends_(std::move(frontends)), clock_(clock), log_(log) {
  CHECK(!frontends_.empty());
}

bool PendingConnections::has_room() const {
  return connections_.size() < kMost || age_of_oldest() >= kLeastPatience;
}

// A front end that is alone has every connection, whatever its peer says and although it says nothing:
// there is nobody else whose it could be, and an error in the wire's own words is the better answer.
void PendingConnections::add(os::Fd connection, std::string socket) {
  if (frontends_.size() == 1) {
    frontends_.front()->take(std::move(connection));
    return;
  }
  Connection added{
      .fd = std::move(connection), .socket = std::move(socket), .since = clock_.steady_now()};
  if (settle(added)) return;
  if (connections_.size() >= kMost) settle_readable();
  if (connections_.size() >= kMost) {
    log_.warn("connection closed: many others wait, and it has not said what it is",
              {{"socket", connections_.front().socket}});
    connections_.erase(connections_.begin());
  }
  connections_.push_back(std::move(added));
}

void PendingConnections::look() {
  settle_readable();
  close_silent();
}

void PendingConnections::append_fds(std::vector<int>& fds) const {
  for (const Connection& connection : connections_) {
    if (!connection.has_begun) fds.push_back(connection.fd.get());
  }
}

std::optional<std::chrono::milliseconds> PendingConnections::time_left() const {
  if (connections_.empty()) return std::nullopt;
  if (std::ranges::any_of(connections_, &Connection::has_begun)) return kLookInterval;
  const std::chrono::nanoseconds patience = has_room() ? kPatience : kLeastPatience;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(patience - age_of_oldest());
  return std::max(left, std::chrono::milliseconds(0));
}

// Returns whether the connection is no longer to be kept: it was given away, or is to be closed.
bool PendingConnections::settle(Connection& connection) {
  const auto peeked = os::peek(connection.fd.get(), kMostFirstBytes);
  if (!peeked.has_value()) return true;
  if (peeked->bytes.empty()) return peeked->is_ended;
  const Judgement judgement = judge(frontends_, peeked->bytes);
  if (judgement.owner != nullptr) {
    judgement.owner->take(std::move(connection.fd));
    return true;
  }
  if (judgement.is_final) {
    log_.warn("connection closed: it speaks no protocol that is served here",
              {{"socket", connection.socket}});
    return true;
  }
  connection.has_begun = true;
  return peeked->is_ended;
}

void PendingConnections::settle_readable() {
  std::vector<int> fds;
  for (const Connection& connection : connections_) fds.push_back(connection.fd.get());
  const std::vector<bool> readable = os::find_readable(fds);
  std::vector<Connection> kept;
  for (size_t i = 0; i < connections_.size(); ++i) {
    if (readable[i] && settle(connections_[i])) continue;
    kept.push_back(std::move(connections_[i]));
  }
  connections_ = std::move(kept);
}

void PendingConnections::close_silent() {
  while (!connections_.empty() && age_of_oldest() >= kPatience) {
    log_.info("connection closed: its peer did not say in time what it is",
              {{"socket", connections_.front().socket}, {"seconds", kPatience.count()}});
    connections_.erase(connections_.begin());
  }
}

std::chrono::nanoseconds PendingConnections::age_of_oldest() const {
  return clock_.steady_now() - connections_.front().since;
}

}  // namespace runed::daemon
