#include "daemon/api/state.hpp"
#include "daemon/grpc/wire.hpp"
#include "daemon/models/model_host.hpp"
#include "embed/request.hpp"
