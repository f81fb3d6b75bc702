#include "download_fixture.hpp"

// What becomes of a download that did not get to its end at once.

using runed::Error;
using runed::ErrorCode;
using runed::bootstrap::DownloadFixture;
using runed::test::HttpReply;
using runed::test::HttpSeen;
using runed::test::random_body;
using runed::test::read_text;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
using namespace std::chrono_literals;

TEST_CASE_METHOD(DownloadFixture, "a file cut at every tenth arrives with its size sent in all") {
  body = random_body(30'000'000);
  size_bytes = body.size_bytes;
  HttpReply reply{.body = body, .etag = "\"v1\""};
  for (uint64_t tenth = 1; tenth < 10; ++tenth) reply.cuts.insert(tenth * body.size_bytes / 10);
  server.reply("/f", reply);
  policy.attempts = 2;  // Each cut brought new bytes, so there are more of them than that.
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(server.seen("/f").size() == 10);
  CHECK(report.bytes_received == body.size_bytes);
  CHECK(server.body_bytes_sent() == body.size_bytes);
  CHECK(server.seen("/f").at(9).header("range") == "bytes=27000000-");
  CHECK(server.seen("/f").at(9).header("if-range") == "\"v1\"");
  CHECK(has_event("resuming '" + server.url("/f") + "' at 2.9 MiB"));
}

TEST_CASE_METHOD(DownloadFixture, "the next process goes on where the last one was stopped") {
  server.reply("/f", slow("\"v1\""));
  fetch_part(1'000'000);
  const uint64_t there = part_bytes();
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(report.bytes_received == body.size_bytes - there);
  const auto seen = server.seen("/f");
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].header("range").empty());
  CHECK(seen[1].header("range") == fmt::format("bytes={}-", there));
  CHECK(seen[1].header("if-range") == "\"v1\"");
}

TEST_CASE_METHOD(DownloadFixture, "without a strong ETag the time of change is the condition") {
  HttpReply reply = slow("W/\"v1\"");
  reply.last_modified = "Sat, 21 Nov 2026 08:00:00 GMT";
  server.reply("/f", reply);
  fetch_part(1'000'000);
  unwrap(fetch());
  CHECK(has_arrived());
  CHECK(server.seen("/f").at(1).header("if-range") == reply.last_modified);
}

TEST_CASE_METHOD(DownloadFixture, "a file that changed meanwhile is fetched anew") {
  const auto now = body;
  body = random_body(now.size_bytes, 2);
  server.reply("/f", slow("\"v1\""));
  body = now;  // The part is of the old version, though it was to become this one.
  fetch_part(1'000'000);
  server.reply("/f", {.body = body, .etag = "\"v2\""});
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(report.bytes_received == body.size_bytes);
  CHECK(has_event("' does not resume; starting again from zero"));
}

TEST_CASE_METHOD(DownloadFixture, "another ETag is noticed where If-Range is not understood") {
  server.reply("/f", slow("\"v1\""));
  fetch_part(1'000'000);
  server.handle("/f", [this](const HttpSeen& seen) {
    HttpReply reply{.body = body, .etag = seen.header("if-range")};
    reply.changed_headers["ETag"] = "\"v2\"";
    return reply;
  });
  unwrap(fetch());
  CHECK(has_arrived());
  CHECK(has_event("it has changed meanwhile; starting again from zero"));
}

TEST_CASE_METHOD(DownloadFixture, "a server that ignores Range sends all of it again") {
  HttpReply reply = slow();
  reply.ranges = HttpReply::Ranges::ignored;
  server.reply("/f", reply);
  fetch_part(1'000'000);
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(report.bytes_received == body.size_bytes);
}

TEST_CASE_METHOD(DownloadFixture, "a server that ignores Range and is cut is not asked for ever") {
  server.reply("/f", {.body = body, .ranges = HttpReply::Ranges::ignored, .cut_after = 1'000'000});
  CHECK(unwrap_error(fetch()).message.find("(5 attempts)") != std::string::npos);
  CHECK(server.seen("/f").size() == 5);
  CHECK(part_bytes() == 1'000'000);
}

TEST_CASE_METHOD(DownloadFixture, "a range that was not asked for is not appended") {
  server.reply("/f", slow());
  fetch_part(1'000'000);
  server.handle("/f", [this](const HttpSeen& seen) {
    HttpReply reply{.body = body};
    if (!seen.header("range").empty()) {
      reply.changed_headers["Content-Range"] = "bytes 5-2999999/3000000";
    }
    return reply;
  });
  unwrap(fetch());
  CHECK(has_arrived());
  CHECK(has_event("it sends 'bytes 5-2999999/3000000'; starting again from zero"));
}

TEST_CASE_METHOD(DownloadFixture, "a range of a file of another size leaves the part alone") {
  server.reply("/f", slow());
  fetch_part(1'000'000);
  const uint64_t there = part_bytes();
  server.reply("/f", {.body = random_body(4'000'000)});
  CHECK(unwrap_error(fetch()).message ==
        "cannot fetch '" + server.url("/f") + "': it has 4000000 bytes, wanted are 3000000");
  CHECK(part_bytes() == there);
}

TEST_CASE_METHOD(DownloadFixture, "416 makes one start from zero, and no second one") {
  server.reply("/f", slow());
  fetch_part(1'000'000);
  server.handle("/f", [this](const HttpSeen& seen) {
    return seen.header("range").empty() ? HttpReply{.body = body} : HttpReply{.status = 416};
  });
  unwrap(fetch());
  CHECK(has_arrived());
  server.reply("/f", {.status = 416});
  std::filesystem::remove(path);
  CHECK(unwrap_error(fetch()).message == "cannot fetch '" + server.url("/f") + "': HTTP 416");
}

TEST_CASE_METHOD(DownloadFixture, "416 of a file that has become shorter is a wrong size") {
  server.reply("/f", slow());
  fetch_part(1'000'000);
  server.reply("/f", {.body = random_body(part_bytes())});
  const Error error = unwrap_error(fetch());
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message.find(" bytes, wanted are 3000000") != std::string::npos);
  CHECK(server.seen("/f").size() == 3);
}

TEST_CASE_METHOD(DownloadFixture, "a part of unknown size that is whole is recognised by 416") {
  size_bytes = 0;
  HttpReply reply{.body = body, .stall_after = body.size_bytes};
  reply.changed_headers["Content-Length"] = "";
  server.reply("/f", reply);
  uint64_t done = 0;
  watch.on_progress = [&](uint64_t bytes, uint64_t) { done = bytes; };
  watch.is_cancelled = [&] { return done == body.size_bytes; };
  CHECK(unwrap_error(fetch()).code == ErrorCode::cancelled);
  watch.is_cancelled = nullptr;
  server.reply("/f", {.body = body});
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(report.bytes_received == 0);
}

TEST_CASE_METHOD(DownloadFixture, "a mirror goes on with a plain Range, on its own marks") {
  server.reply_in_turn("/f",
                       {{.body = body, .etag = "\"v1\"", .cut_after = 1'000'000}, {.status = 404}});
  server.reply("/mirror", {.body = body, .etag = "\"m1\""});
  const auto report = unwrap(fetch({"/f", "/mirror"}));
  CHECK(has_arrived());
  CHECK(report.bytes_received == body.size_bytes);
  const auto seen = server.seen("/mirror");
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].header("range") == "bytes=1000000-");
  CHECK(seen[0].header("if-range").empty());
}

TEST_CASE_METHOD(DownloadFixture, "wrong bytes after a resume are fetched once more from zero") {
  const auto right = body;
  body = random_body(right.size_bytes, 2);
  server.reply("/f", slow());
  body = right;
  fetch_part(1'000'000);
  server.reply("/f", {.body = body});
  unwrap(fetch());
  CHECK(has_arrived());
  CHECK(server.seen("/f").size() == 3);
  CHECK(has_event(", wanted is " + runed::test::sha256_of(body) + "; starting again from zero"));
}

TEST_CASE_METHOD(DownloadFixture, "wrong bytes after a resume and from zero are an error") {
  const auto wrong = random_body(body.size_bytes, 2);
  server.reply("/f", {.body = wrong, .cuts = {1'000'000}});
  CHECK(unwrap_error(fetch()).code == ErrorCode::integrity);
  CHECK(server.seen("/f").size() == 3);
  CHECK(entries() == 0);
}

TEST_CASE_METHOD(DownloadFixture, "a whole part is checked and committed without the network") {
  server.reply("/f", slow());
  fetch_part(1'000'000);
  write_text(path + ".partial", runed::test::bytes_of(body));
  policy.offline = true;
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(report.url == server.url("/f"));
  CHECK(report.bytes_received == 0);
}

TEST_CASE_METHOD(DownloadFixture, "a whole part with wrong bytes and one too long begin at zero") {
  for (const uint64_t there : {body.size_bytes, body.size_bytes + 1}) {
    server.reply("/f", slow());
    fetch_part(1'000'000);
    write_text(path + ".partial", runed::test::bytes_of(random_body(there, 2)));
    server.reply("/f", {.body = body});
    const auto report = unwrap(fetch());
    CHECK(has_arrived());
    CHECK(report.bytes_received == body.size_bytes);
    std::filesystem::remove(path);
  }
}

TEST_CASE_METHOD(DownloadFixture, "a part of another file is not gone on with") {
  server.reply("/f", slow());
  fetch_part(1'000'000);
  body = random_body(body.size_bytes, 2);
  server.reply("/f", {.body = body});
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(report.bytes_received == body.size_bytes);
}

TEST_CASE_METHOD(DownloadFixture, "a part without a readable origin begins at zero") {
  server.reply("/f", slow());
  fetch_part(1'000'000);
  write_text(path + ".partial.json", "\x00\xff garbage");
  server.reply("/f", {.body = body});
  CHECK(unwrap(fetch()).bytes_received == body.size_bytes);
  CHECK(has_arrived());
}

TEST_CASE_METHOD(DownloadFixture, "a server that sends a byte a connection is not asked for ever") {
  server.reply("/f", {.body = body, .cut_after = 1});
  policy.low_speed_bytes = UINT32_MAX;  // Whatever the machine, five bytes are fewer.
  CHECK(unwrap_error(fetch()).message.find("(5 attempts)") != std::string::npos);
  CHECK(server.seen("/f").size() == 5);
  CHECK(part_bytes() == 5);
}

TEST_CASE_METHOD(DownloadFixture, "a stalled transfer is broken off and resumed") {
  server.reply_in_turn("/f", {{.body = body, .stall_after = 1'000'000}, {.body = body}});
  // No transfer over loopback is this fast: it stalls whenever it takes a second.
  policy.low_speed_bytes = UINT32_MAX;
  policy.low_speed_time = 1s;
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(report.bytes_received == body.size_bytes);
  CHECK(has_event(": operation too slow"));
}

TEST_CASE_METHOD(DownloadFixture,
                 "a body whose end is the connection's is resumed if it is short") {
  HttpReply reply{.body = body, .cuts = {1'000'000}};
  reply.changed_headers["Content-Length"] = "";
  server.reply("/f", reply);
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(report.bytes_received == body.size_bytes);
  CHECK(has_event("the answer ended after 1000000 of 3000000 bytes"));
}

TEST_CASE_METHOD(DownloadFixture, "a server that goes away leaves the part for later") {
  server.reply_in_turn("/f", {{.body = body, .cut_after = 1'000'000}, {.status = 503}});
  const Error error = unwrap_error(fetch());
  CHECK(error.code == ErrorCode::network);
  CHECK(part_bytes() == 1'000'000);
  server.reply("/f", {.body = body});
  CHECK(unwrap(fetch()).bytes_received == body.size_bytes - 1'000'000);
  CHECK(has_arrived());
}

TEST_CASE_METHOD(DownloadFixture,
                 "without a digest the same version is resumed, and the digest told") {
  server.reply("/f", slow("\"v1\""));
  is_digest_known = false;
  size_bytes = 0;
  fetch_part(1'000'000);
  const uint64_t there = part_bytes();
  const auto report = unwrap(fetch());
  CHECK(has_arrived());
  CHECK(report.sha256 == runed::test::sha256_of(body));
  CHECK(report.bytes_received == body.size_bytes - there);
  CHECK(server.seen("/f").at(1).header("if-range") == "\"v1\"");
}

TEST_CASE_METHOD(DownloadFixture,
                 "without a digest nothing is added to what may be of another version") {
  server.reply("/f", slow());  // By no mark it can be told.
  server.reply("/g", slow("\"v1\""));
  is_digest_known = false;
  size_bytes = 0;
  fetch_part(1'000'000);
  unwrap(fetch());
  CHECK(has_arrived());
  CHECK(server.seen("/f").at(1).header("range").empty());
  std::filesystem::remove(path);
  fetch_part(1'000'000);
  unwrap(fetch({"/g"}));  // What another server has need not be the same.
  CHECK(has_arrived());
  CHECK(server.seen("/g").at(0).header("range").empty());
}

TEST_CASE_METHOD(DownloadFixture, "what is refused after it was fetched is thrown away") {
  server.reply("/f", {.body = body});
  check = [this](const std::string& partial) -> runed::Status {
    CHECK(read_text(partial) == bytes_of(body));
    return runed::make_error(ErrorCode::model_corrupt, "no");
  };
  CHECK(unwrap_error(fetch()).message == "no");
  CHECK(entries() == 0);
}
