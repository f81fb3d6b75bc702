#include "bootstrap/fetch/download.hpp"

#include <optional>

#include "bootstrap/fetch/fetch_text.hpp"
#include "download_fixture.hpp"
#include "os/directory/disk_space.hpp"
#include "support/file_size_limit.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::bootstrap::DownloadFixture;
using runed::bootstrap::fetch_text;
using runed::test::FileSizeLimit;
using runed::test::HttpReply;
using runed::test::mode_of;
using runed::test::random_body;
using runed::test::read_text;
using runed::test::sha256_of;
using runed::test::text_body;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
using namespace std::chrono_literals;

TEST_CASE_METHOD(DownloadFixture, "a file arrives whole, private, with nothing beside it") {
  server.reply("/f", {.body = body});
  uint64_t done = 0;
  uint64_t total = 0;
  watch.on_progress = [&](uint64_t bytes, uint64_t all) { done = bytes, total = all; };
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(mode_of(path) == 0600);
  CHECK(report.url == server.url("/f"));
  CHECK(report.size_bytes == body.size_bytes);
  CHECK(report.bytes_received == body.size_bytes);
  CHECK(done == body.size_bytes);
  CHECK(total == body.size_bytes);
  CHECK(events.empty());
}

TEST_CASE_METHOD(DownloadFixture, "a file of unknown size and an empty one arrive too") {
  size_bytes = 0;
  server.reply("/f", {.body = body});
  unwrap(fetch());
  CHECK(has_arrived());
  body = text_body("");
  server.reply("/f", {.body = body});
  unwrap(fetch());
  CHECK(has_arrived());
}

TEST_CASE_METHOD(DownloadFixture, "a digest may be in upper case, but must be one") {
  server.reply("/f", {.body = body});
  std::string digest = sha256_of(body);
  std::ranges::transform(digest, digest.begin(), [](char c) { return std::toupper(c); });
  unwrap(runed::bootstrap::download({{server.url("/f")}, digest, 0}, path, policy, watch));
  CHECK(has_arrived());
  for (const std::string& bad : {std::string("abc"), std::string(64, 'g'), std::string()}) {
    const auto error =
        unwrap_error(runed::bootstrap::download({{server.url("/f")}, bad, 0}, path, policy, watch));
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK(error.message == "cannot fetch to '" + path + "': '" + bad + "' is no SHA-256");
  }
}

TEST_CASE_METHOD(DownloadFixture, "404 is asked once, and leaves nothing") {
  const Error error = unwrap_error(fetch());
  CHECK(error.code == ErrorCode::network);
  CHECK(error.message == "cannot fetch '" + server.url("/f") + "': HTTP 404");
  CHECK(server.seen("/f").size() == 1);
  CHECK(entries() == 0);
}

TEST_CASE_METHOD(DownloadFixture, "503 twice and then the file is a success that was told") {
  server.reply_in_turn("/f", {{.status = 503}, {.status = 503}, {.body = body}});
  unwrap(fetch());
  CHECK(has_arrived());
  REQUIRE(events.size() == 2);
  CHECK(events[0].find("retrying in ") == 0);
  CHECK(events[0].find(": HTTP 503") != std::string::npos);
}

TEST_CASE_METHOD(DownloadFixture, "a server that stays broken is given up after five attempts") {
  server.reply("/f", {.status = 500});
  CHECK(unwrap_error(fetch()).message ==
        "cannot fetch '" + server.url("/f") + "': HTTP 500 (5 attempts)");
  CHECK(server.seen("/f").size() == 5);
}

TEST_CASE_METHOD(DownloadFixture, "429 waits for as long as the server asks") {
  server.reply_in_turn("/f", {{.status = 429, .headers = {{"Retry-After", "1"}}}, {.body = body}});
  const auto start = Clock::now();
  unwrap(fetch());
  CHECK(Clock::now() - start >= 1s);
  CHECK(events.at(0) == "retrying in 1s: cannot fetch '" + server.url("/f") + "': HTTP 429");
}

TEST_CASE_METHOD(DownloadFixture, "a server that asks to wait for too long is given up") {
  server.reply("/f", {.status = 429, .headers = {{"Retry-After", "301"}}});
  CHECK(unwrap_error(fetch()).message ==
        "cannot fetch '" + server.url("/f") + "': HTTP 429, and the server asks to wait for 5m1s");
}

TEST_CASE_METHOD(DownloadFixture, "wrong bytes are asked for once, and the mirror's are taken") {
  const auto wrong = random_body(body.size_bytes, 2);
  server.reply("/f", {.body = wrong});
  server.reply("/mirror", {.body = body});
  const auto report = unwrap(fetch({"/f", "/mirror"}));
  CHECK(has_arrived());
  CHECK(report.url == server.url("/mirror"));
  CHECK(server.seen("/f").size() == 1);
  CHECK(has_event("its SHA-256 is " + sha256_of(wrong)));
  CHECK(has_event("; trying '" + server.url("/mirror") + "'"));
}

TEST_CASE_METHOD(DownloadFixture, "wrong bytes everywhere are told of each URL, and are gone") {
  const auto wrong = random_body(body.size_bytes, 2);
  server.reply("/f", {.body = wrong});
  const Error error = unwrap_error(fetch({"/f", "/none"}));
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message == fmt::format("cannot fetch '{0}/f': its SHA-256 is {1}, wanted is {2}; "
                                     "cannot fetch '{0}/none': HTTP 404",
                                     server.url(""), sha256_of(wrong), sha256_of(body)));
  CHECK(error.hint == "what was served is damaged, or is not what the manifest means");
  CHECK(error.facts.text("url") == server.url("/f"));
  CHECK(error.facts.text("got") == sha256_of(wrong));
  CHECK(error.facts.text("want") == sha256_of(body));
  CHECK(entries() == 0);
}

TEST_CASE_METHOD(DownloadFixture,
                 "a Content-Length that contradicts the size stops before a byte") {
  size_bytes = body.size_bytes + 1;
  server.reply("/f", {.body = body});
  uint64_t done = 0;
  watch.on_progress = [&](uint64_t bytes, uint64_t) { done = bytes; };
  const Error error = unwrap_error(fetch());
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message == fmt::format("cannot fetch '{}': it has 3000000 bytes, wanted are 3000001",
                                     server.url("/f")));
  CHECK(server.seen("/f").size() == 1);
  CHECK(done == 0);
}

TEST_CASE_METHOD(DownloadFixture, "a body that does not end at its size is cut off there") {
  server.reply(
      "/f", {.body = random_body(uint64_t{1} << 40), .changed_headers = {{"Content-Length", ""}}});
  uint64_t done = 0;
  watch.on_progress = [&](uint64_t bytes, uint64_t) { done = std::max(done, bytes); };
  const Error error = unwrap_error(fetch());
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message ==
        fmt::format("cannot fetch '{}': it has more than 3000000 bytes, wanted are 3000000",
                    server.url("/f")));
  CHECK(done <= body.size_bytes);
  CHECK(entries() == 0);
}

TEST_CASE_METHOD(DownloadFixture, "a file of unknown size is not taken past 64 GiB") {
  size_bytes = 0;
  server.reply("/f", {.body = random_body((uint64_t{64} << 30) + 1)});
  CHECK(unwrap_error(fetch()).message ==
        "cannot fetch '" + server.url("/f") + "': it has 68719476737 bytes");
}

TEST_CASE_METHOD(DownloadFixture, "a wait is cancelled at once") {
  server.reply("/f", {.status = 429, .headers = {{"Retry-After", "60"}}});
  const auto start = Clock::now();
  watch.is_cancelled = [&] { return Clock::now() - start > 100ms; };
  CHECK(unwrap_error(fetch()).code == ErrorCode::cancelled);
  CHECK(Clock::now() - start < 500ms);
}

TEST_CASE_METHOD(DownloadFixture, "a stalled download is cancelled at once and keeps its bytes") {
  server.reply("/f", {.body = body, .stall_after = 1'000'000});
  const auto start = Clock::now();
  watch.is_cancelled = [&] { return Clock::now() - start > 200ms; };
  CHECK(unwrap_error(fetch()).code == ErrorCode::cancelled);
  CHECK(Clock::now() - start < 700ms);
  CHECK(part_bytes() == 1'000'000);
}

TEST_CASE_METHOD(DownloadFixture, "a disk without room is told before anything is asked") {
  policy.reserve_bytes = uint64_t{1} << 60;
  server.reply("/f", {.body = body});
  const Error error = unwrap_error(fetch());
  CHECK(error.code == ErrorCode::io);
  CHECK(error.message.find("no room for '" + path +
                           "': 2.9 MiB are still to come, 1048576.0 TiB are to stay free, ") == 0);
  CHECK(server.seen("/f").empty());
  size_bytes = 0;
  CHECK(unwrap_error(fetch()).message == error.message);
  CHECK(server.seen("/f").size() == 1);
}

TEST_CASE_METHOD(DownloadFixture, "a disk that gets full keeps the bytes and tells how many lack") {
  server.reply("/f", {.body = body});
  server.reply("/mirror", {.body = body});
  runed::Result<runed::bootstrap::DownloadReport> result;
  {
    std::optional<FileSizeLimit> limit;  // Not before it has begun, as another program would do it.
    watch.on_progress = [&](uint64_t /*done*/, uint64_t /*total*/) {
      if (!limit.has_value()) limit.emplace(1'000'000);
    };
    result = fetch({"/f", "/mirror"});
    watch.on_progress = nullptr;
  }
  const Error error = unwrap_error(result);
  CHECK(error.code == ErrorCode::io);
  CHECK(error.message.find("cannot write '" + path + ".partial': file too large (1.9 MiB") == 0);
  CHECK(server.seen("/mirror").empty());
  CHECK(part_bytes() > 900'000);
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(report.bytes_received < 2'100'000);
}

TEST_CASE_METHOD(DownloadFixture, "a directory that is missing is told and nothing is asked") {
  server.reply("/f", {.body = body});
  path = dir / "none/f";
  CHECK(unwrap_error(fetch()).message ==
        "cannot open '" + path + ".partial': no such file or directory");
  CHECK(server.seen("/f").empty());
}

TEST_CASE_METHOD(DownloadFixture, "a file whose size nobody told does not fill the disk") {
  HttpReply reply{.body = random_body(uint64_t{1} << 40)};
  reply.changed_headers["Content-Length"] = "";
  server.reply("/f", reply);
  size_bytes = 0;
  constexpr uint64_t kRoom = uint64_t{128} << 20;  // More than the tests beside this one write.
  policy.reserve_bytes = unwrap(runed::os::free_disk_bytes(dir.path())) - kRoom;
  policy.space_step_bytes = uint64_t{1} << 20;
  const Error error = unwrap_error(fetch());
  CHECK(error.code == ErrorCode::io);
  CHECK(error.message.find("no room for '" + path + "': nobody told how much is to come, ") == 0);
  CHECK(error.hint.find("the server did not tell its size, and sent ") == 0);
  CHECK(server.body_bytes_sent() < 4 * kRoom);
  CHECK(entries() == 0);
}

TEST_CASE_METHOD(DownloadFixture, "a file larger than this process may write is not begun") {
  server.reply("/f", {.body = body});
  const FileSizeLimit limit(1'000'000);
  const Error error = unwrap_error(fetch());
  CHECK(error.code == ErrorCode::io);
  CHECK(error.message == "no room for '" + path + "': it has 2.9 MiB");
  CHECK(error.hint.find("a file may have 976.6 KiB here ('ulimit -f')") == 0);
  CHECK(server.seen("/f").empty());
}

TEST_CASE_METHOD(DownloadFixture, "what does not begin as it must is not read to its end") {
  HttpReply reply{.body = random_body(uint64_t{1} << 40)};
  reply.changed_headers["Content-Length"] = "";
  server.reply("/f", reply);
  const auto error = unwrap_error(runed::bootstrap::download(
      {.urls = {server.url("/f")}, .sha256 = std::string(64, '0'), .begin = "GGUF"}, path, policy,
      watch));
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message.find("', not with 'GGUF'") != std::string::npos);
  CHECK(server.body_bytes_sent() < (uint64_t{64} << 20));
  CHECK(entries() == 0);
}

TEST_CASE_METHOD(DownloadFixture, "offline, a URL is an error and nothing is asked") {
  server.reply("/f", {.body = body});
  policy.offline = true;
  const Error error = unwrap_error(fetch());
  CHECK(error.code == ErrorCode::network);
  CHECK(error.message == "cannot fetch '" + server.url("/f") + "': the network is not to be used");
  CHECK(fetch_text(server.url("/f"), 100, policy, watch).error().message == error.message);
  CHECK(server.seen("/f").empty());
}

TEST_CASE_METHOD(DownloadFixture, "files and file URLs are copied, offline too") {
  policy.offline = true;
  const std::string from = dir / "a file";
  write_text(from, runed::test::bytes_of(body));
  for (const std::string& url : {from, "file://" + dir.path() + "/a%20file"}) {
    CAPTURE(url);
    const auto report = unwrap(fetch({url}));
    CHECK(report.bytes_received == body.size_bytes);
    CHECK(read_text(path) == read_text(from));
    CHECK(mode_of(path) == 0600);
    CHECK(entries() == 2);
    std::filesystem::remove(path);
  }
}

TEST_CASE_METHOD(DownloadFixture, "a file that is missing, wrong or no file is told") {
  const std::string from = dir / "from";
  CHECK(unwrap_error(fetch({from})).message ==
        "cannot open '" + from + "': no such file or directory");
  write_text(from, "short");
  CHECK(unwrap_error(fetch({from})).message ==
        "cannot fetch '" + from + "': it has 5 bytes, wanted are 3000000");
  write_text(from, runed::test::bytes_of(random_body(body.size_bytes, 2)));
  const Error error = unwrap_error(fetch({from}));
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message.find("cannot fetch '" + from + "': its SHA-256 is ") == 0);
  std::filesystem::remove(from);
  std::filesystem::create_directory(from);
  CHECK(unwrap_error(fetch({from})).message ==
        "cannot open '" + from + "': it is a directory, not a regular file");
  CHECK(entries() == 1);
}

TEST_CASE_METHOD(DownloadFixture, "a URL of an unknown kind is passed over") {
  server.reply("/f", {.body = body});
  unwrap(fetch({"ftp://h/f", "/f"}));
  CHECK(has_arrived());
}

TEST_CASE_METHOD(DownloadFixture, "a text is fetched, with retries and up to its limit") {
  server.reply_in_turn("/t", {{.status = 503},
                              {.body = text_body("some text"), .cut_after = 4},
                              {.body = text_body("some text")}});
  CHECK(unwrap(fetch_text(server.url("/t"), 9, policy, watch)) == "some text");
  const Error error = unwrap_error(fetch_text(server.url("/t"), 8, policy, watch));
  CHECK(error.code == ErrorCode::bad_input);
  CHECK(error.message == "cannot fetch '" + server.url("/t") + "': larger than 8 bytes");
  CHECK(server.seen("/t").size() == 4);
  server.reply("/endless", {.body = random_body(uint64_t{1} << 40)});
  CHECK(unwrap_error(fetch_text(server.url("/endless"), 1 << 20, policy, watch)).code ==
        ErrorCode::bad_input);
  CHECK(server.body_bytes_sent() < (uint64_t{64} << 20));
}

TEST_CASE_METHOD(DownloadFixture, "a text is read from a file, and its errors are told") {
  write_text(dir / "t", "some text");
  CHECK(unwrap(fetch_text(dir / "t", 9, policy, watch)) == "some text");
  CHECK(unwrap(fetch_text("file://" + (dir / "t"), 9, policy, watch)) == "some text");
  CHECK(unwrap_error(fetch_text(dir / "t", 8, policy, watch)).code == ErrorCode::bad_input);
  CHECK(unwrap_error(fetch_text("t", 8, policy, watch)).code == ErrorCode::invalid_argument);
  CHECK(unwrap_error(fetch_text(server.url("/none"), 8, policy, watch)).message ==
        "cannot fetch '" + server.url("/none") + "': HTTP 404");
}
