#include "bootstrap/fetch/http.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <memory>

#include "bootstrap/fetch/url.hpp"
#include "os/file/regular_file.hpp"
#include "os/library/curl_library.hpp"
#include "os/process/process.hpp"

namespace runed::bootstrap {
namespace {

using Remedy = Failure::Remedy;

constexpr int kMaxRedirects = 10;
constexpr int kProxyAuthentication = 407;  // RFC 9110, section 15.5.8.
constexpr int kPollMilliseconds = 100;
constexpr long kBufferBytes = 256L * 1024;
constexpr uint64_t kMaxIgnoredBytes = uint64_t{1} << 20;  // Of a redirect's own page.

// What the network does today and not tomorrow. A certificate that is refused is not among it.
bool can_pass(CURLcode code) {
  constexpr std::array kPassing{
      CURLE_COULDNT_RESOLVE_PROXY,
      CURLE_COULDNT_RESOLVE_HOST,
      CURLE_COULDNT_CONNECT,
      CURLE_WEIRD_SERVER_REPLY,
      CURLE_HTTP2,
      CURLE_HTTP2_STREAM,
      CURLE_PARTIAL_FILE,
      CURLE_OPERATION_TIMEDOUT,
      CURLE_SSL_CONNECT_ERROR,
      CURLE_GOT_NOTHING,
      CURLE_SEND_ERROR,
      CURLE_RECV_ERROR,
  };
  return std::ranges::find(kPassing, code) != kPassing.end();
}

// Source: RFC 9110, section 15.6; RFC 8470, section 5.2 (425); RFC 6585, section 4 (429).
bool can_pass(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// In the house style, but for abbreviations: `SSL certificate problem` stays.
std::string lower_first(std::string text) {
  const auto is_upper = [&](size_t i) {
    return i < text.size() && std::isupper(static_cast<unsigned char>(text[i])) != 0;
  };
  if (is_upper(0) && !is_upper(1)) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

// A request and its answers: the redirects, and what they lead to.
class Exchange {
 public:
  Exchange(const os::CurlLibrary& curl, const HttpRequest& request, const HttpReceiver& receiver,
           const Watch& watch)
      : curl_(curl),
        request_(request),
        receiver_(receiver),
        watch_(watch),
        headers_(nullptr, curl.slist_free_all),
        easy_(curl.easy_init(), curl.easy_cleanup),
        multi_(curl.multi_init(), curl.multi_cleanup) {}

  std::optional<Failure> run(const DownloadPolicy& policy);

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    curl_.easy_setopt(easy_.get(), option, value);
  }
  static size_t on_write(char* data, size_t size, size_t count, void* self) {
    const std::span<const char> bytes(data, size * count);
    return static_cast<Exchange*>(self)->take(std::as_bytes(bytes)) ? bytes.size() : 0;
  }

  std::optional<Failure> check_certificates() const;
  void set_options(const DownloadPolicy& policy);
  std::optional<Failure> follow(std::string& url, UrlKind& kind);
  CURLcode transfer(const std::string& url);
  bool take(std::span<const std::byte> bytes);
  void take_head();
  int status() const;
  bool leads_elsewhere() const { return is_redirect(status()) && !header("Location").empty(); }
  std::string header(const char* name) const;
  HttpHead read_head() const;
  Failure failed(Remedy remedy, const std::string& reason) const;
  Failure failed(CURLcode code) const;
  Failure failed_by_status() const;
  Failure refused_by_proxy() const;

  const os::CurlLibrary& curl_;
  const HttpRequest& request_;
  const HttpReceiver& receiver_;
  const Watch& watch_;
  std::array<char, CURL_ERROR_SIZE> reason_{};
  std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)> headers_;
  std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)> easy_;
  std::unique_ptr<CURLM, decltype(&::curl_multi_cleanup)> multi_;
  bool head_taken_ = false;
  uint64_t ignored_bytes_ = 0;
  std::optional<Failure> failure_;
};

void Exchange::set_options(const DownloadPolicy& policy) {
  for (const std::string& header : request_.headers) {
    curl_slist* const longer = curl_.slist_append(headers_.get(), header.c_str());
    static_cast<void>(headers_.release());
    headers_.reset(longer);
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_USERAGENT, "runed/" RUNED_VERSION);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // A cancellation does not wait for the name server.
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(policy.connect_timeout.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(policy.low_speed_bytes));
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(policy.low_speed_time.count()));
  set(CURLOPT_BUFFERSIZE, kBufferBytes);
  set(CURLOPT_ERRORBUFFER, reason_.data());
  set(CURLOPT_WRITEFUNCTION, &Exchange::on_write);
  set(CURLOPT_WRITEDATA, this);
  const std::optional<std::string> bundle = os::environment_variable("SSL_CERT_FILE");
  if (bundle.has_value() && !bundle->empty()) set(CURLOPT_CAINFO, bundle->c_str());
}

// OpenSSL would open a FIFO and wait.
std::optional<Failure> Exchange::check_certificates() const {
  const std::string bundle = os::environment_variable("SSL_CERT_FILE").value_or("");
  const std::string fault = bundle.empty() ? "" : os::find_fault_of_kind(bundle);
  if (fault.empty()) return std::nullopt;
  return Failure{make_error(ErrorCode::bad_config, "cannot use '{}': {}", bundle, fault)
                     .with_hint("SSL_CERT_FILE names it"),
                 Remedy::give_up};
}

// libcurl follows redirects too, but can only be told which schemes any of them may lead to: from
// http by https back to http would pass.
std::optional<Failure> Exchange::run(const DownloadPolicy& policy) {
  if (std::optional<Failure> refused = check_certificates()) return refused;
  set_options(policy);
  std::string url = request_.url;
  const Result<UrlKind> first_kind = kind_of_url(url);
  if (!first_kind.has_value()) return Failure{first_kind.error(), Remedy::next_url};
  UrlKind kind = *first_kind;
  for (int redirects = 0; redirects <= kMaxRedirects; ++redirects) {
    const CURLcode code = transfer(url);
    if (failure_.has_value()) return failure_;
    if (code != CURLE_OK) return failed(code);
    if (!leads_elsewhere()) {
      take_head();  // It had no body.
      return failure_;
    }
    if (std::optional<Failure> refused = follow(url, kind)) return refused;
  }
  return failed(Remedy::next_url, fmt::format("more than {} redirects", kMaxRedirects));
}

// Sets the URL and its kind to those of the redirect.
std::optional<Failure> Exchange::follow(std::string& url, UrlKind& kind) {
  const char* target = nullptr;
  curl_.easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &target);
  if (target == nullptr) return failed(Remedy::next_url, "it redirects to what is no URL");
  const Result<UrlKind> target_kind = kind_of_url(target);
  if (!target_kind.has_value() || *target_kind == UrlKind::file) {
    return failed(Remedy::next_url, fmt::format("it redirects to '{}', which is neither http nor "
                                                "https",
                                                display_url(target)));
  }
  if (kind == UrlKind::https && *target_kind == UrlKind::http) {
    return failed(Remedy::next_url,
                  fmt::format("it redirects from https to http, to '{}'", display_url(target)));
  }
  url = target;
  kind = *target_kind;
  return std::nullopt;
}

// One request and its answer, a redirect not followed.
CURLcode Exchange::transfer(const std::string& url) {
  set(CURLOPT_URL, url.c_str());
  head_taken_ = false;
  ignored_bytes_ = 0;
  reason_[0] = '\0';
  CURLcode result = CURLE_FAILED_INIT;
  int running = curl_.multi_add_handle(multi_.get(), easy_.get()) == CURLM_OK ? 1 : 0;
  while (running > 0 && curl_.multi_perform(multi_.get(), &running) == CURLM_OK) {
    if (watch_.cancelled()) {
      failure_ = cancelled_failure();
      break;
    }
    if (running > 0) curl_.multi_poll(multi_.get(), nullptr, 0, kPollMilliseconds, nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl_.multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) result = message->data.result;
  }
  curl_.multi_remove_handle(multi_.get(), easy_.get());
  return result;
}

// Returns whether the transfer is to go on.
bool Exchange::take(std::span<const std::byte> bytes) {
  if (leads_elsewhere()) {
    ignored_bytes_ += bytes.size();
    if (ignored_bytes_ <= kMaxIgnoredBytes) return true;
    failure_ = failed(Remedy::next_url, "it redirects with an endless page");
    return false;
  }
  take_head();
  if (!failure_.has_value()) failure_ = receiver_.on_body(bytes);
  return !failure_.has_value();
}

void Exchange::take_head() {
  if (head_taken_) return;
  head_taken_ = true;
  const HttpHead head = read_head();
  const bool is_for_receiver = head.status == 200 || head.status == 206 || head.status == 416;
  failure_ = is_for_receiver ? receiver_.on_head(head) : failed_by_status();
}

int Exchange::status() const {
  long code = 0;
  curl_.easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &code);
  return static_cast<int>(code);
}

std::string Exchange::header(const char* name) const {
  curl_header* found = nullptr;
  constexpr int kLastRequest = -1;
  const CURLHcode code =
      curl_.easy_header(easy_.get(), name, 0, CURLH_HEADER, kLastRequest, &found);
  return code == CURLHE_OK ? found->value : "";
}

HttpHead Exchange::read_head() const {
  HttpHead head{
      .status = status(),
      .content_range = header("Content-Range"),
      .etag = header("ETag"),
      .last_modified = header("Last-Modified"),
  };
  const std::string length = header("Content-Length");
  const char* const end = length.data() + length.size();
  uint64_t bytes = 0;
  // Beside a transfer coding it means nothing. Source: RFC 9112, section 6.3.
  if (header("Transfer-Encoding").empty() && !length.empty() &&
      std::from_chars(length.data(), end, bytes).ptr == end) {
    head.content_length = bytes;
  }
  return head;
}

Failure Exchange::failed(Remedy remedy, const std::string& reason) const {
  return {
      make_error(ErrorCode::network, "cannot fetch '{}': {}", display_url(request_.url), reason),
      remedy};
}

Failure Exchange::failed(CURLcode code) const {
  long of_proxy = 0;  // What a proxy said to being asked for a tunnel.
  curl_.easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &of_proxy);
  if (of_proxy == kProxyAuthentication) return refused_by_proxy();
  const std::string reason = without_proxy_secrets(
      reason_[0] != '\0' ? reason_.data() : curl_.easy_strerror(code), os::environment_variable);
  Failure failure = failed(can_pass(code) ? Remedy::retry : Remedy::next_url, lower_first(reason));
  if (can_pass(code)) {
    failure.error.hint = "check the connection and the proxy variables (https_proxy, no_proxy)";
  } else if (code == CURLE_PEER_FAILED_VERIFICATION) {
    failure.error.hint = "SSL_CERT_FILE can name a bundle with the certificates to trust";
  }
  return failure;
}

// The request never got to the server, so nothing is wrong with its URL.
Failure Exchange::refused_by_proxy() const {
  Failure failure =
      failed(Remedy::give_up, fmt::format("the proxy refuses it: HTTP {}", kProxyAuthentication));
  failure.error.hint =
      "the proxy wants a user and a password: http_proxy and https_proxy can have them, as "
      "http://USER:PASSWORD@HOST:PORT";
  return failure;
}

Failure Exchange::failed_by_status() const {
  if (status() == kProxyAuthentication) return refused_by_proxy();
  Failure failure = failed(can_pass(status()) ? Remedy::retry : Remedy::next_url,
                           fmt::format("HTTP {}", status()));
  curl_off_t seconds = 0;  // From a number of them or a date.
  curl_.easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &seconds);
  failure.retry_after = std::chrono::seconds(seconds);
  if (!can_pass(status())) failure.error.hint = kWrongUrlHint;
  return failure;
}

}  // namespace

std::optional<Failure> http_get(const HttpRequest& request, const HttpReceiver& receiver,
                                const DownloadPolicy& policy, const Watch& watch) {
  const Result<const os::CurlLibrary*> curl = os::load_curl();
  if (!curl.has_value()) return Failure{curl.error(), Remedy::give_up};
  return Exchange(**curl, request, receiver, watch).run(policy);
}

}  // namespace runed::bootstrap
