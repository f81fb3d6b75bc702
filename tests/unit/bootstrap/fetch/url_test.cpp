#include "bootstrap/fetch/url.hpp"

#include "support/fake_environment.hpp"
#include "support/result_matchers.hpp"

using runed::bootstrap::display_url;
using runed::bootstrap::kind_of_url;
using runed::bootstrap::path_of_file_url;
using runed::bootstrap::UrlKind;
using runed::test::unwrap;
using runed::test::unwrap_error;

TEST_CASE("a URL's kind is its scheme's, in any case, and a path is a file") {
  CHECK(unwrap(kind_of_url("https://a/b")) == UrlKind::https);
  CHECK(unwrap(kind_of_url("HTTP://a/b")) == UrlKind::http);
  CHECK(unwrap(kind_of_url("file:///a/b")) == UrlKind::file);
  CHECK(unwrap(kind_of_url("/a/b")) == UrlKind::file);
}

TEST_CASE("a URL of another kind is refused with those that are known") {
  for (const char* url : {"ftp://u:p@a/b?x", "file://host/a", "a/b", ""}) {
    CAPTURE(url);
    const auto error = unwrap_error(kind_of_url(url));
    CHECK(error.code == runed::ErrorCode::invalid_argument);
    CHECK(error.message.find("p@") == std::string::npos);
    CHECK(error.message.find("not a URL of a known kind") != std::string::npos);
    CHECK(error.hint == "write https://…, http://…, file:///… or an absolute path");
  }
}

TEST_CASE("the path of a file URL is decoded, and a plain path is not") {
  CHECK(path_of_file_url("file:///a%20b/%C3%A9") == "/a b/\u00e9");
  CHECK(path_of_file_url("file:///100%/%zz%4") == "/100%/%zz%4");
  CHECK(path_of_file_url("/a%20b") == "/a%20b");
}

TEST_CASE("a URL is shown without what may be secret") {
  CHECK(display_url("https://user:pass@host:8/p/q?token=x#y") == "https://host:8/p/q");
  CHECK(display_url("https://user:p@ss@host/a@b") == "https://host/a@b");
  CHECK(display_url("https://host?token=x") == "https://host");
  // What ought to be escaped in a password, and is not.
  CHECK(display_url("http://user:p/a?s#s@host:8/x") == "http://host:8/x");
  CHECK(display_url("http://host:80/a@b") == "http://host:80/a@b");
  CHECK(display_url("http://[::1]:80/a@b") == "http://[::1]:80/a@b");
  CHECK(display_url("user:pass@host/a") == "host/a");
  CHECK(display_url("/data/a@b?c#d") == "/data/a@b?c#d");
  CHECK(display_url("file:///a?b") == "file:///a?b");
}

TEST_CASE("the proxies of the environment lose their passwords wherever they are quoted") {
  const runed::test::FakeEnvironment environment{{"https_proxy", "http://user:secret@proxy:3128"},
                                                 {"ALL_PROXY", "socks9://me:hidden@other"}};
  CHECK(runed::bootstrap::without_proxy_secrets(
            "Unsupported proxy syntax in 'http://user:secret@proxy:3128', "
            "or 'socks9://me:hidden@other'",
            environment) == "Unsupported proxy syntax in 'http://proxy:3128', or 'socks9://other'");
}

TEST_CASE("a URL that would move the cursor is shown without that") {
  CHECK(display_url("https://host/\x1b[2J\n\x7f") == "https://host/?[2J??");
}
