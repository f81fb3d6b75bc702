#include "support/http_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

#include "base/sha256.hpp"
#include "os/file/fd.hpp"

namespace runed::test {
namespace {

using os::Fd;

constexpr size_t kMaxHeadBytes = size_t{64} << 10;
constexpr int kPollMilliseconds = 20;

// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
uint64_t mixed(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

bool can_read(int fd, int timeout_ms) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, timeout_ms) > 0;
}

// Where the client wants to go on, if it asks for it and the file is still the one it knows.
std::optional<uint64_t> asked_start(const HttpSeen& request, const HttpReply& reply) {
  constexpr std::string_view kUnit = "bytes=";
  const std::string range = request.header("range");
  const std::string condition = request.header("if-range");
  if (reply.status != 200 || reply.ranges == HttpReply::Ranges::ignored) return std::nullopt;
  if (!range.starts_with(kUnit)) return std::nullopt;
  if (!condition.empty() && condition != reply.etag && condition != reply.last_modified) {
    return std::nullopt;
  }
  return std::strtoull(range.c_str() + kUnit.size(), nullptr, 10);
}

}  // namespace

HttpBody text_body(std::string text) {
  const uint64_t size_bytes = text.size();
  return {size_bytes, [text = std::move(text)](uint64_t offset, std::span<char> out) {
            std::memcpy(out.data(), text.data() + offset, out.size());
          }};
}

HttpBody random_body(uint64_t size_bytes, uint64_t seed) {
  return {size_bytes, [seed](uint64_t offset, std::span<char> out) {
            for (size_t i = 0; i < out.size();) {
              const uint64_t word = mixed(seed * 0x100000001B3ULL ^ ((offset + i) / 8));
              const size_t skip = (offset + i) % 8;
              const size_t count = std::min(8 - skip, out.size() - i);
              std::memcpy(out.data() + i, reinterpret_cast<const char*>(&word) + skip, count);
              i += count;
            }
          }};
}

HttpBody held_body(HttpBody body, uint64_t free_bytes, std::shared_future<void> go) {
  body.fill = [fill = std::move(body.fill), free_bytes, go = std::move(go)](uint64_t offset,
                                                                            std::span<char> out) {
    if (offset + out.size() > free_bytes) go.wait();
    fill(offset, out);
  };
  return body;
}

std::string bytes_of(const HttpBody& body) {
  std::string bytes(body.size_bytes, '\0');
  if (!bytes.empty()) body.fill(0, bytes);
  return bytes;
}

std::string sha256_of(const HttpBody& body) {
  Sha256 hash;
  std::vector<char> block(size_t{1} << 20);
  for (uint64_t offset = 0; offset < body.size_bytes; offset += block.size()) {
    const auto part =
        std::span(block).first(std::min<uint64_t>(block.size(), body.size_bytes - offset));
    body.fill(offset, part);
    hash.update(std::as_bytes(part));
  }
  return hash.finish();
}

class HttpServer::Impl {
 public:
  Impl();
  ~Impl();

  void set(const std::string& path, Handler handler) {
    const std::lock_guard lock(mutex_);
    handlers_[path] = std::move(handler);
  }
  std::vector<HttpSeen> seen(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto found = seen_.find(path);
    return found == seen_.end() ? std::vector<HttpSeen>{} : found->second;
  }
  uint16_t port() const { return port_; }
  uint64_t body_bytes_sent() const { return body_bytes_sent_; }

 private:
  void accept_all();
  void serve(const Fd& connection);
  std::string read_head(const Fd& connection) const;
  HttpReply answer(const HttpSeen& request);
  void send_reply(const Fd& connection, const HttpSeen& request, const HttpReply& reply);
  void send_body(const Fd& connection, const HttpReply& reply, uint64_t start);
  bool send_all(const Fd& connection, std::string_view bytes) const;
  std::optional<uint64_t> next_cut(const HttpReply& reply, const std::string& path, uint64_t start);
  void hold(const Fd& connection) const;

  Fd listener_;
  uint16_t port_ = 0;
  std::atomic<bool> stopped_ = false;
  std::atomic<uint64_t> body_bytes_sent_ = 0;
  mutable std::mutex mutex_;  // Guards the four below.
  std::map<std::string, Handler> handlers_;
  std::map<std::string, std::vector<HttpSeen>> seen_;
  std::map<std::string, std::set<uint64_t>> cuts_done_;
  std::vector<std::thread> workers_;
  std::thread acceptor_;
};

HttpServer::Impl::Impl() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, length) != 0 || ::listen(listener_.get(), 64) != 0 ||
      ::getsockname(listener_.get(), generic, &length) != 0) {
    std::abort();  // Without a port no test of this kind can run.
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::Impl::~Impl() {
  stopped_ = true;
  acceptor_.join();
  for (std::thread& worker : workers_) worker.join();
}

void HttpServer::Impl::accept_all() {
  while (!stopped_) {
    if (!can_read(listener_.get(), kPollMilliseconds)) continue;
    Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.is_open()) continue;
    // A client that reads no more must not keep the server from its end.
    const timeval limit{1, 0};
    ::setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const std::lock_guard lock(mutex_);
    workers_.emplace_back([this, owned = std::move(connection)] { serve(owned); });
  }
}

void HttpServer::Impl::serve(const Fd& connection) {
  const HttpSeen request = parse_request_head(read_head(connection));
  if (request.method.empty()) return;
  send_reply(connection, request, answer(request));
}

std::string HttpServer::Impl::read_head(const Fd& connection) const {
  std::string head;
  std::array<char, 4096> buffer;
  while (!stopped_ && head.find("\r\n\r\n") == std::string::npos && head.size() < kMaxHeadBytes) {
    if (!can_read(connection.get(), kPollMilliseconds)) continue;
    const ssize_t count = ::recv(connection.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) return {};
    head.append(buffer.data(), static_cast<size_t>(count));
  }
  return head;
}

HttpReply HttpServer::Impl::answer(const HttpSeen& request) {
  const std::lock_guard lock(mutex_);
  seen_[request.path].push_back(request);
  const auto handler = handlers_.find(request.path);
  if (handler == handlers_.end()) return {.status = 404, .body = text_body("not here\n")};
  return handler->second(request);
}

void HttpServer::Impl::send_reply(const Fd& connection, const HttpSeen& request,
                                  const HttpReply& reply) {
  const uint64_t size_bytes = reply.body.size_bytes;
  const std::optional<uint64_t> asked = asked_start(request, reply);
  const uint64_t start = asked.value_or(0);
  const bool is_outside = asked.has_value() && start >= size_bytes;
  std::map<std::string, std::string> headers{{"Connection", "close"}};
  headers["Content-Length"] = std::to_string(is_outside ? 0 : size_bytes - start);
  if (is_outside) headers["Content-Range"] = fmt::format("bytes */{}", size_bytes);
  if (asked.has_value() && !is_outside) {
    headers["Content-Range"] = fmt::format("bytes {}-{}/{}", start, size_bytes - 1, size_bytes);
  }
  if (!reply.etag.empty()) headers["ETag"] = reply.etag;
  if (!reply.last_modified.empty()) headers["Last-Modified"] = reply.last_modified;
  for (const auto& [name, value] : reply.changed_headers) headers[name] = value;
  const int status = is_outside ? 416 : asked.has_value() ? 206 : reply.status;
  std::string head = fmt::format("HTTP/1.1 {} Scripted\r\n", status);
  for (const auto& [name, value] : headers) {
    if (!value.empty()) head += fmt::format("{}: {}\r\n", name, value);
  }
  for (const auto& [name, value] : reply.headers) head += fmt::format("{}: {}\r\n", name, value);
  if (!send_all(connection, head + "\r\n") || is_outside) return;

  HttpReply rest = reply;
  if (const auto cut = next_cut(reply, request.path, start)) {
    rest.cut_after = std::min(rest.cut_after, *cut - start);
  }
  send_body(connection, rest, start);
}

// The first cut that lies ahead and was not made yet.
std::optional<uint64_t> HttpServer::Impl::next_cut(const HttpReply& reply, const std::string& path,
                                                   uint64_t start) {
  const std::lock_guard lock(mutex_);
  for (const uint64_t cut : reply.cuts) {
    if (cut >= start && cuts_done_[path].insert(cut).second) return cut;
  }
  return std::nullopt;
}

void HttpServer::Impl::send_body(const Fd& connection, const HttpReply& reply, uint64_t start) {
  std::vector<char> piece(reply.piece_bytes);
  const uint64_t all = reply.body.size_bytes - start;
  const uint64_t end = std::min({all, reply.cut_after, reply.stall_after});
  for (uint64_t sent = 0; sent < end && !stopped_;) {
    const auto part = std::span(piece).first(std::min<uint64_t>(piece.size(), end - sent));
    reply.body.fill(start + sent, part);
    if (!send_all(connection, {part.data(), part.size()})) return;
    sent += part.size();
    body_bytes_sent_ += part.size();
    if (reply.pause.count() > 0) std::this_thread::sleep_for(reply.pause);
  }
  if (reply.stall_after <= end) hold(connection);
}

bool HttpServer::Impl::send_all(const Fd& connection, std::string_view bytes) const {
  while (!bytes.empty() && !stopped_) {
    const ssize_t count = ::send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count > 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
      return false;
    }
  }
  return bytes.empty();
}

// Until the client goes.
void HttpServer::Impl::hold(const Fd& connection) const {
  while (!stopped_ && !can_read(connection.get(), kPollMilliseconds)) continue;
}

// A proxy that this machine may need for the world outside cannot reach us.
HttpServer::HttpServer() : impl_(std::make_unique<Impl>()) {
  ::setenv("no_proxy", "127.0.0.1", 1);
}
HttpServer::~HttpServer() = default;

void HttpServer::reply(const std::string& path, HttpReply reply) {
  reply_in_turn(path, {std::move(reply)});
}

void HttpServer::reply_in_turn(const std::string& path, std::vector<HttpReply> replies) {
  handle(path, [replies = std::move(replies), next = size_t{0}](const HttpSeen&) mutable {
    const HttpReply& reply = replies[next];
    next = std::min(next + 1, replies.size() - 1);
    return reply;
  });
}

void HttpServer::handle(const std::string& path, Handler handler) {
  impl_->set(path, std::move(handler));
}

std::string HttpServer::url(const std::string& path) const {
  return fmt::format("http://127.0.0.1:{}{}", port(), path);
}

uint16_t HttpServer::port() const {
  return impl_->port();
}

std::vector<HttpSeen> HttpServer::seen(const std::string& path) const {
  return impl_->seen(path);
}

uint64_t HttpServer::body_bytes_sent() const {
  return impl_->body_bytes_sent();
}

}  // namespace runed::test
