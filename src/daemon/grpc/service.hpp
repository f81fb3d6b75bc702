#pragma once

#include <cstdint>
#include <memory>

#include "daemon/api/api.hpp"

namespace grpc {
class Service;
}

namespace runed::daemon {

/// Makes the service runed.v1.RunedService (callback API: a waiting call holds no thread).
/// Owns: nothing; the api outlives the service.
std::unique_ptr<grpc::Service> make_service(Api& api);

}  // namespace runed::daemon
