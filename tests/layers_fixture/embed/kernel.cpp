#include <immintrin.h>
#include <sys/mman.h>
#include <unistd.h>

// A comment may name errno.
int last_error() { return errno; }
