#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

int last_error() { return errno; }
