#include "os/machine/thread_room.hpp"

#include "support/catch.hpp"
#include "support/result_matchers.hpp"

TEST_CASE("a few threads can be had") {
  runed::test::unwrap(runed::os::check_thread_room(1));
  runed::test::unwrap(runed::os::check_thread_room(20));
}
