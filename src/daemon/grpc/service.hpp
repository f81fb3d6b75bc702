#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "daemon/api/open_streams.hpp"
#include "daemon/api/state.hpp"
#include "daemon/models/scheduler.hpp"
#include "daemon/route/centroids.hpp"

namespace grpc {
class Service;
}

namespace runed::daemon {

/// What Info tells besides the model.
struct ServiceInfo {
  struct ConfigValue {
    std::string key;
    std::string value;
    std::string origin;
  };
  std::string daemon_version;
  std::vector<ConfigValue> config;
  std::vector<std::string> inherited;  // As of Detached.
};

/// Returns the texts that one EmbedBatch may carry: so many that the reply stays below gRPC's
/// default limit of 4 MiB at a client that set nothing.
uint32_t max_batch_size(uint32_t dimension);

/// What the service works with; all of it outlives the service.
struct ServiceParts {
  State& state;
  Scheduler& scheduler;
  OpenStreams& streams;
  Centroids& centroids;
  const Clock& clock;
  Log& log;
};

/// Makes the service runed.v1.RunedService (callback API: a waiting call holds no thread).
/// `request_stop` is called by Shutdown with its grace in seconds, 0 for the default.
std::unique_ptr<grpc::Service> make_service(const ServiceParts& parts, ServiceInfo info,
                                            std::function<void(int)> request_stop);

}  // namespace runed::daemon
