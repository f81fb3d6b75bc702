#include "daemon/grpc/wire.hpp"
#include "embed/engine.hpp"
#include "embed/native/native_engine.hpp"
