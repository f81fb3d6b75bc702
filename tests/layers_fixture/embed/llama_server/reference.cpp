#include "embed/engine.hpp"
#include "embed/model/gguf.hpp"
#include "embed/native/native_engine.hpp"
