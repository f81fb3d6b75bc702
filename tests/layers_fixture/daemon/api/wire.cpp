#include "daemon/grpc/wire.hpp"
#include "daemon/http/wire.hpp"
#include "daemon/models/model_host.hpp"
#include "daemon/queue/job.hpp"
