#include "embed/engine.hpp"
#include "embed/model/gguf.hpp"
#include "embed/tokenizer/tokenizer.hpp"
