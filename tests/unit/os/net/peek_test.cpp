#include "os/net/peek.hpp"

#include <string>

#include "os/file/files.hpp"
#include "support/connected_sockets.hpp"
#include "support/result_matchers.hpp"

using runed::os::peek;
using runed::os::Peeked;
using runed::test::send;
using runed::test::SocketPair;
using runed::test::unwrap;
using runed::test::unwrap_error;

TEST_CASE("bytes that were looked at are still there, and looking waits for none") {
  SocketPair pair;
  CHECK(unwrap(peek(pair.ours.get(), 4)).bytes.empty());
  send(pair.peers, "ab");
  CHECK(unwrap(peek(pair.ours.get(), 4)).bytes == "ab");
  send(pair.peers, "cdef");
  const Peeked peeked = unwrap(peek(pair.ours.get(), 4));
  CHECK(peeked.bytes == "abcd");
  CHECK_FALSE(peeked.is_ended);
  pair.peers.close();
  CHECK(unwrap(runed::os::read_all(pair.ours.get())) == "abcdef");
}

TEST_CASE("a peer that sends nothing more is told, with what it has sent") {
  for (const bool is_closed : {true, false}) {
    for (const std::string sent : {"", "a"}) {
      CAPTURE(is_closed, sent);
      SocketPair pair;
      send(pair.peers, sent);
      if (is_closed) {
        pair.peers.close();
      } else {
        runed::test::end_sending(pair.peers);
      }
      const Peeked peeked = unwrap(peek(pair.ours.get(), 4));
      CHECK(peeked.is_ended);
      CHECK(peeked.bytes == sent);
    }
  }
}

TEST_CASE("what is no connection is an error") {
  const auto pipe = unwrap(runed::os::open_pipe());
  CHECK(unwrap_error(peek(pipe.reader.get(), 4)).message ==
        "cannot read from a connection: socket operation on non-socket");
}
