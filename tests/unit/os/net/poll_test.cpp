#include "os/net/poll.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

#include "os/file/fd.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::os::Fd;
using runed::os::write_in_time;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

TEST_CASE("a write ends in time although nobody reads, and goes on once somebody does") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  const std::string much(1 << 20, 'x');  // More than the pipe takes.
  CHECK(unwrap_error(write_in_time(writer.get(), much, 1ms)).code == ErrorCode::deadline_exceeded);
  std::string buffer(1 << 20, ' ');
  const ssize_t taken = ::read(reader.get(), buffer.data(), buffer.size());
  REQUIRE(taken > 0);
  unwrap(write_in_time(writer.get(), "a line", 10s));
}

TEST_CASE("of several descriptors those are found that can be read or were hung up") {
  auto silent = unwrap(runed::os::open_pipe());
  auto spoken = unwrap(runed::os::open_pipe());
  auto ended = unwrap(runed::os::open_pipe());
  REQUIRE(::write(spoken.writer.get(), "x", 1) == 1);
  ended.writer.close();
  const std::array fds{silent.reader.get(), spoken.reader.get(), ended.reader.get()};
  CHECK(runed::os::find_readable(fds) == std::vector{false, true, true});
  CHECK(runed::os::find_readable({}).empty());
}
