#include "daemon/api/admission.hpp"

namespace runed::daemon {

Status Admission::check_state() const {
  const StateSnapshot state = state_.snapshot();
  if (state.serving == Serving::loading) {
    return make_error(ErrorCode::bootstrapping, "daemon is bootstrapping; embed not yet available");
  }
  if (takes_requests(state.serving)) return {};
  if (state.reason.has_value()) return make_error(*state.reason, "{}", state.message);
  return make_error(ErrorCode::shutting_down, "the daemon is shutting down");
}

Result<std::shared_ptr<const CentroidSet>> Admission::admit(bool with_route) {
  TRY(check_state());
  std::shared_ptr<const CentroidSet> set;
  if (with_route) {
    set = centroids_.find(state_.model()->dimension);
    if (set == nullptr) {
      return make_error(
          ErrorCode::no_centroid_set,
          "no centroid set loaded; send one with SetCentroids, or leave with_route out");
    }
  }
  ++count_;
  return set;
}

}  // namespace runed::daemon
