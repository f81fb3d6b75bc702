#include "os/machine/cpus.hpp"

#include <sched.h>

#include "support/catch.hpp"

TEST_CASE("the CPUs of this process are at least one and at most its affinity") {
  cpu_set_t before;
  REQUIRE(::sched_getaffinity(0, sizeof(before), &before) == 0);
  CHECK(runed::os::available_cpus() >= 1);
  CHECK(runed::os::available_cpus() <= static_cast<unsigned>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  REQUIRE(::sched_setaffinity(0, sizeof(one), &one) == 0);
  CHECK(runed::os::available_cpus() == 1);
  REQUIRE(::sched_setaffinity(0, sizeof(before), &before) == 0);
}
