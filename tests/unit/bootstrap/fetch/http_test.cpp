#include "bootstrap/fetch/http.hpp"

#include "os/process/signals.hpp"
#include "support/http_server.hpp"
#include "support/not_a_file.hpp"
#include "support/scoped_variable.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_server.hpp"

using runed::ErrorCode;
using runed::make_error;
using runed::bootstrap::DownloadPolicy;
using runed::bootstrap::Failure;
using runed::bootstrap::http_get;
using runed::bootstrap::HttpHead;
using runed::bootstrap::HttpReceiver;
using runed::bootstrap::Watch;
using runed::test::eventually;
using runed::test::HttpReply;
using runed::test::HttpServer;
using runed::test::ScopedVariable;
using runed::test::text_body;
using runed::test::TlsServer;
using namespace std::chrono_literals;

namespace {

using Remedy = Failure::Remedy;

// Asks once and keeps what comes.
struct Client {
  DownloadPolicy policy{.connect_timeout = 2s};
  Watch watch;
  std::vector<HttpHead> heads;
  std::string body;

  std::optional<Failure> get(const std::string& url, std::vector<std::string> headers = {}) {
    runed::os::ignore_sigpipe();
    const HttpReceiver receiver{
        .on_head = [this](const HttpHead& head) -> std::optional<Failure> {
          heads.push_back(head);
          return std::nullopt;
        },
        .on_body = [this](std::span<const std::byte> bytes) -> std::optional<Failure> {
          body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
          return std::nullopt;
        },
    };
    return http_get({.url = url, .headers = std::move(headers)}, receiver, policy, watch);
  }
  Failure fail(const std::string& url) {
    const std::optional<Failure> failure = get(url);
    if (!failure.has_value()) FAIL("expected a failure of " << url);
    return *failure;
  }
};

HttpReply redirect_to(const std::string& url, int status = 302) {
  return {.status = status, .headers = {{"Location", url}}, .body = text_body("elsewhere")};
}

}  // namespace

TEST_CASE("an answer comes with its head, then its bytes") {
  HttpServer server;
  server.reply("/f", {.body = text_body("some bytes"), .etag = "\"v1\"", .last_modified = "today"});
  Client client;
  REQUIRE_FALSE(client.get(server.url("/f"), {"Range: bytes=5-"}).has_value());
  CHECK(client.body == "bytes");
  REQUIRE(client.heads.size() == 1);
  CHECK(client.heads[0].status == 206);
  CHECK(client.heads[0].content_length == 5U);
  CHECK(client.heads[0].content_range == "bytes 5-9/10");
  CHECK(client.heads[0].etag == "\"v1\"");
  CHECK(client.heads[0].last_modified == "today");
}

TEST_CASE("an answer without a body has a head too") {
  HttpServer server;
  server.reply("/f", {});
  Client client;
  REQUIRE_FALSE(client.get(server.url("/f")).has_value());
  REQUIRE(client.heads.size() == 1);
  CHECK(client.heads[0].content_length == 0U);
  CHECK(client.body.empty());
}

TEST_CASE("a request says who asks and takes no coding, and bytes are passed on as they are sent") {
  HttpServer server;
  server.reply("/f", {.headers = {{"Content-Encoding", "gzip"}}, .body = text_body("not gzip")});
  Client client;
  REQUIRE_FALSE(client.get(server.url("/f")).has_value());
  CHECK(client.body == "not gzip");
  const auto seen = server.seen("/f");
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].method == "GET");
  CHECK(seen[0].header("user-agent").find("runed/0.") == 0);
  CHECK(seen[0].header("accept-encoding").empty());
}

TEST_CASE("redirects are followed, relative ones too, and their pages are not the answer") {
  HttpServer server;
  server.reply("/a", redirect_to(server.url("/b"), 301));
  server.reply("/b", redirect_to("c", 307));
  server.reply("/c", {.body = text_body("here")});
  Client client;
  REQUIRE_FALSE(client.get(server.url("/a")).has_value());
  CHECK(client.body == "here");
  CHECK(client.heads.size() == 1);
}

TEST_CASE("ten redirects are followed and no more") {
  HttpServer server;
  server.reply("/0", {.body = text_body("here")});
  for (int i = 1; i <= 11; ++i) {
    server.reply(fmt::format("/{}", i), redirect_to(fmt::format("/{}", i - 1)));
  }
  Client client;
  CHECK_FALSE(client.get(server.url("/10")).has_value());
  const Failure failure = client.fail(server.url("/11"));
  CHECK(failure.remedy == Remedy::next_url);
  CHECK(failure.error.message ==
        "cannot fetch '" + server.url("/11") + "': more than 10 redirects");
}

TEST_CASE("a redirect to a file is refused") {
  HttpServer server;
  server.reply("/f", redirect_to("file:///etc/passwd"));
  Client client;
  CHECK(client.fail(server.url("/f")).error.message ==
        "cannot fetch '" + server.url("/f") +
            "': it redirects to 'file:///etc/passwd', which is neither http nor https");
}

TEST_CASE("a status tells whether it can pass") {
  HttpServer server;
  Client client;
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) {
    server.reply("/f", {.status = status, .body = text_body("sorry")});
    const Failure failure = client.fail(server.url("/f"));
    CHECK(failure.remedy == Remedy::retry);
    CHECK(failure.error.code == ErrorCode::network);
    CHECK(failure.error.message ==
          fmt::format("cannot fetch '{}': HTTP {}", server.url("/f"), status));
  }
  for (const int status : {204, 304, 400, 401, 403, 404, 410}) {
    server.reply("/f", {.status = status, .body = text_body(status < 400 ? "" : "no")});
    CAPTURE(status);
    const Failure failure = client.fail(server.url("/f"));
    CHECK(failure.remedy == Remedy::next_url);
    CHECK(failure.error.hint == "the URL comes from the manifest: check it there");
  }
  CHECK(client.body.empty());
  CHECK(client.heads.empty());
}

TEST_CASE("Retry-After is read as seconds and as a date") {
  HttpServer server;
  server.reply("/seconds", {.status = 429, .headers = {{"Retry-After", "7"}}});
  Client client;
  CHECK(client.fail(server.url("/seconds")).retry_after == 7s);
  server.reply("/date",
               {.status = 503, .headers = {{"Retry-After", "Thu, 01 Jan 2099 00:00:00 GMT"}}});
  CHECK(client.fail(server.url("/date")).retry_after > 300s);
  server.reply("/none", {.status = 503});
  CHECK(client.fail(server.url("/none")).retry_after == 0s);
}

TEST_CASE("a server that is not there can come back") {
  std::string url;
  {
    HttpServer server;
    url = server.url("/f");
  }
  Client client;
  const Failure failure = client.fail(url);
  CHECK(failure.remedy == Remedy::retry);
  CHECK(failure.error.code == ErrorCode::network);
  CHECK(failure.error.message.find("cannot fetch '" + url + "': failed to connect") == 0);
  CHECK(failure.error.hint ==
        "check the connection and the proxy variables (https_proxy, no_proxy)");
}

TEST_CASE("secrets of a URL are sent and not shown") {
  HttpServer server;
  const std::string url = fmt::format("http://user:pass@127.0.0.1:{}/f?token=x", server.port());
  Client client;
  CHECK(client.fail(url).error.message == "cannot fetch '" + server.url("/f") + "': HTTP 404");
  CHECK(server.seen("/f").at(0).header("authorization") == "Basic dXNlcjpwYXNz");
}

TEST_CASE("a body that ends early can pass") {
  HttpServer server;
  server.reply("/f", {.body = text_body("some bytes"), .cut_after = 4});
  Client client;
  const Failure failure = client.fail(server.url("/f"));
  CHECK(failure.remedy == Remedy::retry);
  CHECK(failure.error.message ==
        "cannot fetch '" + server.url("/f") + "': transfer closed with 6 bytes remaining to read");
  CHECK(client.body == "some");
}

TEST_CASE("a transfer that stalls ends, and can pass") {
  HttpServer server;
  server.reply("/f", {.body = text_body("some bytes"), .stall_after = 4});
  Client client;
  client.policy.low_speed_time = 1s;
  const Failure failure = client.fail(server.url("/f"));
  CHECK(failure.remedy == Remedy::retry);
  CHECK(failure.error.message.find("': operation too slow") != std::string::npos);
}

TEST_CASE("a stalled transfer is cancelled at once") {
  HttpServer server;
  server.reply("/f", {.body = text_body("some bytes"), .stall_after = 4});
  Client client;
  const auto start = std::chrono::steady_clock::now();
  client.watch.is_cancelled = [&] { return std::chrono::steady_clock::now() - start > 100ms; };
  const Failure failure = client.fail(server.url("/f"));
  CHECK(failure.error.code == ErrorCode::cancelled);
  CHECK(failure.remedy == Remedy::give_up);
  CHECK(std::chrono::steady_clock::now() - start < 500ms);
}

TEST_CASE("what the receiver refuses ends the transfer") {
  HttpServer server;
  server.reply("/f", {.body = runed::test::random_body(uint64_t{1} << 30)});
  size_t pieces = 0;
  const HttpReceiver receiver{
      .on_head = [](const HttpHead&) -> std::optional<Failure> { return std::nullopt; },
      .on_body = [&](std::span<const std::byte>) -> std::optional<Failure> {
        ++pieces;
        return Failure{make_error(ErrorCode::io, "enough"), Remedy::give_up};
      },
  };
  const auto failure = http_get({.url = server.url("/f"), .headers = {}}, receiver, {}, {});
  REQUIRE(failure.has_value());
  CHECK(failure->error.message == "enough");
  CHECK(pieces == 1);
}

TEST_CASE("a proxy that wants a password is blamed, and not the URL") {
  HttpServer proxy;
  const ScopedVariable all("no_proxy", "");
  const ScopedVariable variable("http_proxy", proxy.url(""));
  proxy.reply("http://models.invalid/f", {.status = 407, .body = text_body("who are you")});
  Client client;
  const Failure failure = client.fail("http://models.invalid/f");
  CHECK(failure.error.code == ErrorCode::network);
  CHECK(failure.error.message ==
        "cannot fetch 'http://models.invalid/f': the proxy refuses it: HTTP 407");
  CHECK(failure.error.hint.find("http_proxy") != std::string::npos);
  CHECK(failure.remedy == Remedy::give_up);
}

TEST_CASE("the password of a proxy is in no message") {
  const ScopedVariable all("no_proxy", "");
  for (const char* url : {"no-such-scheme://user:secret@proxy.invalid:1",
                          "http://user:secret@proxy.invalid:1", "http://user:secret@[:::]:1"}) {
    CAPTURE(url);
    const ScopedVariable variable("http_proxy", url);
    Client client;
    const Failure failure = client.fail("http://models.invalid/f");
    CHECK(failure.error.message.find("secret") == std::string::npos);
    CHECK(failure.error.hint.find("secret") == std::string::npos);
  }
}

TEST_CASE("the proxy of the environment is asked") {
  HttpServer proxy;
  const ScopedVariable all("no_proxy", "");
  const ScopedVariable variable("http_proxy", proxy.url(""));
  proxy.reply("http://models.invalid/f", {.body = text_body("by proxy")});
  Client client;
  REQUIRE_FALSE(client.get("http://models.invalid/f").has_value());
  CHECK(client.body == "by proxy");
}

TEST_CASE("https needs a certificate that is trusted") {
  TlsServer server;
  server.answer("f", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere");
  Client client;
  const Failure failure = client.fail(server.url("f"));
  CHECK(failure.remedy == Remedy::next_url);
  CHECK(failure.error.message.find("': SSL certificate problem") != std::string::npos);
  CHECK(failure.error.hint == "SSL_CERT_FILE can name a bundle with the certificates to trust");
  const ScopedVariable trust("SSL_CERT_FILE", server.certificate());
  CHECK_FALSE(client.get(server.url("f")).has_value());
  CHECK(client.body == "here");
}

TEST_CASE("a FIFO in the place of trusted certificates is not waited for") {
  const runed::test::TempDir dir;
  for (const auto& [name, told, make] : runed::test::all_that_is_no_file()) {
    CAPTURE(name);
    make(dir / name);
    const ScopedVariable bundle("SSL_CERT_FILE", dir / name);
    const auto failure = Client().get("https://127.0.0.1:1/f");
    REQUIRE(failure.has_value());
    CHECK(failure->remedy == Remedy::give_up);
    CHECK(failure->error.code == ErrorCode::bad_config);
    CHECK(failure->error.message == "cannot use '" + (dir / name) + "': " + told);
    CHECK(failure->error.hint == "SSL_CERT_FILE names it");
  }
}

TEST_CASE("a redirect from https to http is refused, even behind one from http to https") {
  TlsServer secure;
  HttpServer server;
  const ScopedVariable trust("SSL_CERT_FILE", secure.certificate());
  server.reply("/plain", {.body = text_body("not safe")});
  secure.answer("f", fmt::format("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
                                 server.url("/plain")));
  server.reply("/start", redirect_to(secure.url("f")));
  Client client;
  for (const std::string& url : {secure.url("f"), server.url("/start")}) {
    const Failure failure = client.fail(url);
    CHECK(failure.remedy == Remedy::next_url);
    CHECK(failure.error.message ==
          fmt::format("cannot fetch '{}': it redirects from https to http, to '{}'", url,
                      server.url("/plain")));
  }
  CHECK(server.seen("/plain").empty());
}
