#include "daemon/grpc/wire.hpp"
#include "embed/engine.hpp"
#include "embed/llama_server/llama_server_engine.hpp"
