// Loaded into a process (LD_PRELOAD), makes every file system one without locks, as some network
// file systems are.
#include <cerrno>

extern "C" [[gnu::visibility("default")]] int flock(int /*fd*/, int /*operation*/) {
  errno = ENOLCK;
  return -1;
}
