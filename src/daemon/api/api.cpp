#include "daemon/api/api.hpp"

#include <utility>

namespace runed::daemon {

Api::Api(const Parts& parts, ServiceInfo info, std::function<void(int)> request_stop)
    : parts_(parts),
      info_(std::move(info)),
      request_stop_(std::move(request_stop)),
      started_(parts.clock.steady_now()),
      started_at_(parts.clock.system_now()) {}

Status Api::check_state() const {
  const StateSnapshot state = parts_.state.snapshot();
  if (state.serving == Serving::loading) {
    return make_error(ErrorCode::bootstrapping, "daemon is bootstrapping; embed not yet available");
  }
  if (takes_requests(state.serving)) return {};
  if (state.reason.has_value()) return make_error(*state.reason, "{}", state.message);
  return make_error(ErrorCode::shutting_down, "the daemon is shutting down");
}

Result<std::shared_ptr<const CentroidSet>> Api::admit(bool with_route) {
  TRY(check_state());
  std::shared_ptr<const CentroidSet> set;
  if (with_route) {
    set = parts_.centroids.find(dimension());
    if (set == nullptr) {
      return make_error(
          ErrorCode::no_centroid_set,
          "no centroid set loaded; send one with SetCentroids, or leave with_route out");
    }
  }
  ++admitted_calls_;
  return set;
}

uint32_t Api::dimension() const {
  return parts_.state.model()->dimension;
}

Info Api::info() const {
  const auto model = parts_.state.model();
  return {.service = info_,
          .started_at = started_at_,
          .variant = parts_.state.variant(),
          .engine_reason = parts_.state.engine_reason(),
          .model = model,
          .centroids =
              model == nullptr ? parts_.centroids.get() : parts_.centroids.find(model->dimension)};
}

Health Api::health() const {
  Health health{.state = parts_.state.snapshot(),
                .uptime = parts_.clock.steady_now() - started_,
                .admitted_calls = admitted_calls_,
                .restarts = parts_.scheduler.restarts(),
                .queue_tokens = parts_.scheduler.queue_tokens(),
                .load = {},
                .cache_bytes = parts_.scheduler.cache_bytes()};
  if (health.state.serving != Serving::shutting_down) {
    health.load = parts_.scheduler.load_statistics();
  }
  return health;
}

std::optional<uint32_t> Api::centroid_dimension() const {
  const auto model = parts_.state.model();
  return model == nullptr ? std::nullopt : std::optional(model->dimension);
}

InstalledCentroids Api::install_centroids(CentroidSet set) {
  InstalledCentroids installed{.version = std::string(set.version()), .count = set.count()};
  parts_.centroids.install(std::move(set));
  return installed;
}

void Api::stop(int grace_seconds) {
  parts_.log.info("received Shutdown RPC", {{"grace_seconds", grace_seconds}});
  request_stop_(grace_seconds);
}

}  // namespace runed::daemon
