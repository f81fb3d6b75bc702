#include "os/file/write_fault.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "os/file/fd.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::os::Fd;
using runed::os::write_fault;
using runed::test::unwrap;

TEST_CASE("why nothing can be written is told of the descriptor, or by the call that failed") {
  runed::os::Pipe pipe = unwrap(runed::os::open_pipe());
  pipe.reader.close();
  const auto broken = write_fault(pipe.writer.get(), "cannot write");
  CHECK(broken.message == "cannot write: broken pipe");
  CHECK(broken.code == ErrorCode::io);

  const Fd full = unwrap(runed::os::open_fd("/dev/full", O_WRONLY));
  CHECK(::write(full.get(), "x", 1) == -1);
  CHECK(write_fault(full.get(), "cannot write").message == "cannot write: no space left on device");

  const Fd closed = unwrap(runed::os::open_fd("/dev/null", O_RDONLY));
  CHECK(write_fault(closed.get(), "cannot write").message == "cannot write: it is closed");
  CHECK(write_fault(-1, "cannot write").message == "cannot write: it is closed");
}
