#include "embed/engine.hpp"
#include "embed/tokenizer/tokenizer.hpp"
#include "os/file/fd.hpp"
