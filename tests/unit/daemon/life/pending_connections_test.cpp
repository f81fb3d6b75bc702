#include "daemon/life/pending_connections.hpp"

#include <algorithm>

#include "fake_frontend.hpp"
#include "os/net/peek.hpp"
#include "support/connected_sockets.hpp"
#include "support/fake_clock.hpp"
#include "support/result_matchers.hpp"

using runed::daemon::PendingConnections;
using runed::os::Fd;
using runed::test::FakeFrontend;
using runed::test::is_closed;
using runed::test::send;
using runed::test::SocketPair;
using runed::test::unwrap;
using namespace std::chrono_literals;

namespace {

constexpr size_t kMost = PendingConnections::kMost;

// Two wires that begin alike, and the log of it. Nothing waits here: time is the fixture's.
struct Fixture {
  // Adds a connection whose peer has sent so much, and returns the peer.
  Fd add(std::string_view sent = "") {
    SocketPair pair;
    send(pair.peers, sent);
    pending.add(std::move(pair.ours), "a.sock");
    return std::move(pair.peers);
  }

  bool is_logged(std::string_view what) const { return log_text.find(what) != std::string::npos; }

  runed::test::FakeClock clock;
  std::string log_text;
  runed::Log log{runed::Log::Format::json, clock, [this](std::string_view line) {
                   log_text += line;
                   return true;
                 }};
  FakeFrontend pri{"PRI *"};
  FakeFrontend post{"POST"};
  PendingConnections pending{{&pri, &post}, clock, log};
};

}  // namespace

TEST_CASE("the first bytes decide whose a connection is, and stay in it") {
  Fixture fixture;
  const Fd first = fixture.add("POST /v1/embeddings");
  const Fd second = fixture.add("PRI * HTTP/2.0");
  CHECK(fixture.pending.count() == 0);
  REQUIRE(fixture.post.count() == 1);
  REQUIRE(fixture.pri.count() == 1);
  CHECK(unwrap(runed::os::peek(fixture.post.taken(0), 99)).bytes == "POST /v1/embeddings");
  CHECK(unwrap(runed::os::peek(fixture.pri.taken(0), 99)).bytes == "PRI * HTTP/2.0");
}

TEST_CASE("bytes that come one by one decide as soon as they can") {
  Fixture fixture;
  const Fd peer = fixture.add();
  std::string_view left = "PRI * HTTP";
  for (; left.size() > 6; left.remove_prefix(1)) {
    send(peer, left.substr(0, 1));
    fixture.pending.look();
    REQUIRE(fixture.pri.count() == 0);
    REQUIRE(fixture.pending.count() == 1);
  }
  send(peer, left.substr(0, 1));
  fixture.pending.look();
  CHECK(fixture.pri.count() == 1);
  CHECK(fixture.pending.count() == 0);
}

TEST_CASE("a connection that nobody claims is closed at the first byte that says so, and told") {
  Fixture fixture;
  const Fd peer = fixture.add("P");
  CHECK_FALSE(is_closed(peer));
  send(peer, "X");
  fixture.pending.look();
  CHECK(is_closed(peer));
  CHECK(fixture.is_logged("it speaks no protocol that is served here"));
  CHECK(fixture.is_logged("a.sock"));
}

TEST_CASE("a front end that cannot decide with all that it is shown has not claimed it") {
  Fixture fixture;
  const std::string word(runed::daemon::kMostFirstBytes + 1, 'x');
  FakeFrontend endless(word);
  PendingConnections pending({&fixture.post, &endless}, fixture.clock, fixture.log);
  SocketPair pair;
  send(pair.peers, word);
  pending.add(std::move(pair.ours), "a.sock");
  CHECK(endless.count() == 0);
  CHECK(is_closed(pair.peers));
}

TEST_CASE("a flood of foreign connections is no flood in the log") {
  Fixture fixture;
  for (int i = 0; i < 1000; ++i) fixture.add("?");
  CHECK(std::ranges::count(fixture.log_text, '\n') == runed::Log::kMostLinesASecond);
}

TEST_CASE("a peer that ends before it has said enough is dropped without a word") {
  Fixture fixture;
  for (const std::string_view sent : {"", "P"}) {
    Fd closed = fixture.add(sent);
    const Fd half = fixture.add(sent);
    CHECK(fixture.pending.count() == 2);
    closed.close();
    runed::test::end_sending(half);
    fixture.pending.look();
    CHECK(fixture.pending.count() == 0);
  }
  CHECK(fixture.log_text.empty());
}

TEST_CASE("a peer that has said enough and ended is still served") {
  Fixture fixture;
  const Fd peer = fixture.add();
  send(peer, "POST");
  runed::test::end_sending(peer);
  fixture.pending.look();
  CHECK(fixture.post.count() == 1);
}

TEST_CASE("a silent peer keeps nobody waiting, and is closed after its time") {
  Fixture fixture;
  const Fd silent = fixture.add();
  const Fd slow = fixture.add("PR");
  fixture.clock.advance(PendingConnections::kPatience - 1ms);
  const Fd late = fixture.add();
  const Fd served = fixture.add("POST");
  fixture.pending.look();
  CHECK(fixture.post.count() == 1);
  CHECK(fixture.pending.count() == 3);
  fixture.clock.advance(1ms);
  fixture.pending.look();
  CHECK(is_closed(silent));
  CHECK(is_closed(slow));
  CHECK_FALSE(is_closed(late));
  CHECK(fixture.is_logged("its peer did not say in time what it is"));
}

TEST_CASE("waiting ends with bytes, or with the time") {
  Fixture fixture;
  std::vector<int> fds;
  CHECK_FALSE(fixture.pending.time_left().has_value());
  const Fd silent = fixture.add();
  fixture.pending.append_fds(fds);
  CHECK(fds.size() == 1);
  fixture.clock.advance(5s);
  CHECK(fixture.pending.time_left() == PendingConnections::kPatience - 5s);
  // One that has begun would be readable at once, again and again.
  send(silent, "P");
  fixture.pending.look();
  fds.clear();
  fixture.pending.append_fds(fds);
  CHECK(fds.empty());
  CHECK(fixture.pending.time_left() < 1s);
}

TEST_CASE("of too many the oldest makes room, once it has had a moment") {
  Fixture fixture;
  std::vector<Fd> peers;
  for (size_t i = 0; i < kMost; ++i) {
    CHECK(fixture.pending.has_room());
    peers.push_back(fixture.add());
  }
  CHECK_FALSE(fixture.pending.has_room());
  CHECK(fixture.pending.time_left() == PendingConnections::kLeastPatience);
  fixture.clock.advance(PendingConnections::kLeastPatience);
  CHECK(fixture.pending.has_room());
  const Fd served = fixture.add("POST");
  CHECK(fixture.post.count() == 1);
  CHECK_FALSE(is_closed(peers[0]));
  // The oldest may have said by now what it is.
  send(peers[0], "POST");
  const Fd next = fixture.add();
  CHECK(fixture.post.count() == 2);
  CHECK_FALSE(is_closed(peers[1]));
  const Fd last = fixture.add();
  CHECK(is_closed(peers[1]));
  CHECK_FALSE(is_closed(peers[2]));
  CHECK(fixture.pending.count() == kMost);
  CHECK(fixture.is_logged("many others wait"));
}

TEST_CASE("many that wait are each given to the right one, in any order") {
  Fixture fixture;
  std::vector<Fd> peers;
  for (size_t i = 0; i < kMost; ++i) peers.push_back(fixture.add(i % 3 == 0 ? "P" : ""));
  for (size_t i = kMost; i-- > 0;) {
    const std::string_view word = i % 2 == 0 ? "PRI *" : "POST";
    send(peers[i], word.substr(i % 3 == 0 ? 1 : 0));
    if (i % 16 == 0) fixture.pending.look();
  }
  CHECK(fixture.pending.count() == 0);
  CHECK(fixture.pri.count() == kMost / 2);
  CHECK(fixture.post.count() == kMost / 2);
}

TEST_CASE("a front end that is alone has each connection at once, whatever it says") {
  Fixture fixture;
  PendingConnections pending({&fixture.post}, fixture.clock, fixture.log);
  std::vector<Fd> peers;
  for (const std::string_view sent : {"", "POST", "?"}) {
    SocketPair pair;
    send(pair.peers, sent);
    pending.add(std::move(pair.ours), "a.sock");
    peers.push_back(std::move(pair.peers));
  }
  CHECK(fixture.post.count() == 3);
  CHECK(pending.count() == 0);
}

TEST_CASE("closing closes all that wait") {
  Fixture fixture;
  const Fd peer = fixture.add("P");
  fixture.pending.close();
  CHECK(is_closed(peer));
}
