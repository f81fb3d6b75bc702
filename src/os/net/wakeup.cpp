#include "os/net/wakeup.hpp"

#include <sys/eventfd.h>

#include "base/check.hpp"
#include "os/file/retry.hpp"

namespace runed::os {

Wakeup::Wakeup() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // Made at start, when a process that has no descriptor left has nothing that it could do.
  CHECK(fd_.is_open());
}

// The only failure of these two is EAGAIN: a full counter is notified, an empty one is clear.
void Wakeup::notify() {
  retry_interrupted([this] { return ::eventfd_write(fd_.get(), 1); });
}

void Wakeup::clear() {
  eventfd_t count = 0;
  retry_interrupted([this, &count] { return ::eventfd_read(fd_.get(), &count); });
}

}  // namespace runed::os
