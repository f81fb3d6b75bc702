#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace runed {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "runed: bug: check failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace runed
