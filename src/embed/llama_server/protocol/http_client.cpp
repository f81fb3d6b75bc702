#include "embed/llama_server/protocol/http_client.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "base/text.hpp"
#include "os/library/curl_library.hpp"

namespace runed::embed::llama_server {
namespace {

constexpr long kMostConnections = 4;  // Two requests, the health probe, and one to spare.
constexpr uint64_t kMostHealthBytes = 65536;
constexpr long kConnectMilliseconds = 5000;
constexpr std::chrono::milliseconds kLongestRun{1000};

// The host's name means nothing on a Unix socket.
std::string base_url(const Endpoint& endpoint) {
  return endpoint.socket_path.empty() ? fmt::format("http://127.0.0.1:{}", endpoint.port)
                                      : "http://llama-server";
}

}  // namespace

HttpRequest health_request(std::chrono::milliseconds timeout) {
  return {.path = "/health", .body = {}, .most_reply_bytes = kMostHealthBytes, .timeout = timeout};
}

struct HttpClient::Handles {
  explicit Handles(const os::CurlLibrary& library)
      : curl(library),
        multi(library.multi_init(), library.multi_cleanup),
        headers(nullptr, library.slist_free_all) {
    CHECK(multi != nullptr);  // The only failure is a lack of memory.
    curl.multi_setopt(multi.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, kMostConnections);
  }

  void add_header(const std::string& header) {
    curl_slist* const longer = curl.slist_append(headers.get(), header.c_str());
    CHECK(longer != nullptr);
    static_cast<void>(headers.release());
    headers.reset(longer);
  }

  const os::CurlLibrary& curl;
  std::unique_ptr<CURLM, decltype(os::CurlLibrary::multi_cleanup)> multi;
  std::unique_ptr<curl_slist, decltype(os::CurlLibrary::slist_free_all)> headers;
};

// One request and its reply.
struct HttpClient::Exchange {
  Exchange(Handles& of, HttpRequest to_send, Done tell)
      : handles(of),
        request(std::move(to_send)),
        done(std::move(tell)),
        easy(of.curl.easy_init(), of.curl.easy_cleanup) {
    CHECK(easy != nullptr);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() { handles.curl.multi_remove_handle(handles.multi.get(), easy.get()); }

  template <typename Value>
  void set(CURLoption option, Value value) {
    handles.curl.easy_setopt(easy.get(), option, value);
  }

  void begin(const Endpoint& endpoint) {
    set(CURLOPT_URL, (base_url(endpoint) + request.path).c_str());
    if (!endpoint.socket_path.empty()) set(CURLOPT_UNIX_SOCKET_PATH, endpoint.socket_path.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http");
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set(CURLOPT_HTTPHEADER, handles.headers.get());
    set(CURLOPT_ERRORBUFFER, reason.data());
    set(CURLOPT_WRITEFUNCTION, &Exchange::on_write);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_PRIVATE, this);
    if (!request.body.empty()) {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.c_str());
    }
    CHECK(handles.curl.multi_add_handle(handles.multi.get(), easy.get()) == CURLM_OK);
  }

  static size_t on_write(char* data, size_t size, size_t count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    const std::string_view bytes(data, size * count);
    if (exchange.reply.body.size() + bytes.size() > exchange.request.most_reply_bytes) {
      exchange.is_too_large = true;
      return 0;
    }
    try {
      exchange.reply.body.append(bytes);
    } catch (const std::exception&) {  // No exception may pass through libcurl.
      return 0;
    }
    return bytes.size();
  }

  HttpReply take_reply(CURLcode code) {
    long status = 0;
    handles.curl.easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    if (code == CURLE_OK) return std::move(reply);
    const std::string_view told =
        reason[0] != '\0' ? reason.data() : handles.curl.easy_strerror(code);
    reply.status = 0;
    reply.failure = is_too_large ? fmt::format("more than {} bytes", request.most_reply_bytes)
                                 : printable(told);
    return std::move(reply);
  }

  Handles& handles;
  const HttpRequest request;
  const Done done;
  HttpReply reply;
  bool is_too_large = false;
  std::array<char, CURL_ERROR_SIZE> reason{};
  std::unique_ptr<CURL, decltype(os::CurlLibrary::easy_cleanup)> easy;
};

Result<std::unique_ptr<HttpClient>> HttpClient::create(const Endpoint& endpoint) {
  TRY_ASSIGN(const os::CurlLibrary* const curl, os::load_curl());
  return std::unique_ptr<HttpClient>(new HttpClient(std::make_unique<Handles>(*curl), endpoint));
}

HttpClient::HttpClient(std::unique_ptr<Handles> handles, const Endpoint& endpoint)
    : handles_(std::move(handles)), endpoint_(endpoint) {
  handles_->add_header("Content-Type: application/json");
  handles_->add_header("Expect:");  // Without a round trip before a long body.
  if (!endpoint.api_key.empty()) handles_->add_header("Authorization: Bearer " + endpoint.api_key);
}

HttpClient::~HttpClient() {
  abandon();
}

void HttpClient::send(HttpRequest request, Done done) {
  under_way_.push_back(std::make_unique<Exchange>(*handles_, std::move(request), std::move(done)));
  under_way_.back()->begin(endpoint_);
}

void HttpClient::run(std::chrono::milliseconds timeout) {
  int running = 0;
  handles_->curl.multi_perform(handles_->multi.get(), &running);
  if (running == static_cast<int>(under_way_.size())) {
    handles_->curl.multi_poll(handles_->multi.get(), nullptr, 0,
                              static_cast<int>(std::min(timeout, kLongestRun).count()), nullptr);
    handles_->curl.multi_perform(handles_->multi.get(), &running);
  }
  finish_done();
}

HttpReply HttpClient::ask(HttpRequest request) {
  // Shared, so that what an exception leaves under way has where to answer.
  const auto reply = std::make_shared<std::optional<HttpReply>>();
  send(std::move(request), [reply](HttpReply got) { *reply = std::move(got); });
  while (!reply->has_value()) run(kLongestRun);
  return **std::move(reply);
}

void HttpClient::abandon() {
  under_way_.clear();
}

void HttpClient::finish_done() {
  int left = 0;
  while (const CURLMsg* message = handles_->curl.multi_info_read(handles_->multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto found = std::ranges::find(under_way_, message->easy_handle,
                                         [](const auto& exchange) { return exchange->easy.get(); });
    CHECK(found != under_way_.end());
    // Out of the list first: `done` may send the next one.
    const std::unique_ptr<Exchange> exchange = std::move(*found);
    under_way_.erase(found);
    exchange->done(exchange->take_reply(code));
  }
}

}  // namespace runed::embed::llama_server
