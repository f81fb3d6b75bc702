#include "embed/llama_server/llama_server_engine.hpp"
#include "embed/native/native_engine.hpp"
