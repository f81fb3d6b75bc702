#include "os/net/accept.hpp"

#include "support/connected_sockets.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::test::unwrap_error;

TEST_CASE("a descriptor that does not listen is named, and its error is the end") {
  const runed::test::SocketPair pair;
  const auto error = unwrap_error(runed::os::accept_connection(pair.ours.get(), "a name"));
  CHECK(error.code == ErrorCode::io);
  CHECK(error.message == "cannot accept on 'a name': invalid argument");
}
