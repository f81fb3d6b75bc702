#pragma once

#include "daemon/api/api.hpp"
#include "runed/v1/runed.pb.h"

namespace runed::daemon {

/// What the api tells of the daemon and its models, as messages of the wire contract.
void fill(const Info& info, v1::InfoResponse& response);
void fill(const Health& health, v1::HealthResponse& response);
void fill(const ModelDescription& description, v1::ModelInfo& message);
void fill(const ModelHealth& health, v1::ModelHealth& message);

}  // namespace runed::daemon
