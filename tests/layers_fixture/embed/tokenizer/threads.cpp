#include "embed/model/gguf.hpp"
#include "embed/native/run/thread_pool.hpp"
