#include "daemon/life/detach.hpp"

#include <memory>

#include "os/file/fd.hpp"
#include "os/net/poll.hpp"
#include "os/process/process.hpp"
#include "os/process/process_setup.hpp"

namespace runed::daemon {

Detached detach(Starter starter, const bootstrap::Environment& environment) {
  os::leave_working_directory();
  const auto told = bootstrap::find_variable(environment, bootstrap::kStartedOnDemand);
  if (starter == Starter::user && !told.has_value()) return {};
  // A client of ours gave us a pipe of which it has the other end, others gave us /dev/null.
  const auto lifeline = std::make_shared<os::Fd>(os::take_stdin());
  return {.inherited = os::shed_inheritance(),
          .is_abandoned = [lifeline] { return os::is_hung_up(lifeline->get()); }};
}

}  // namespace runed::daemon
