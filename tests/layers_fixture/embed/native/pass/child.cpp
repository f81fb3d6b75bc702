#include "embed/engine.hpp"
#include "embed/llama_server/llama_server_engine.hpp"
#include "embed/native/run/thread_pool.hpp"
#include "embed/tokenizer/tokenizer.hpp"
