#include "daemon/admission.hpp"

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

Status Admission::admit(bool with_route) {
  TRY(check_state());
  if (with_route) {
    return make_error(
        ErrorCode::no_centroid_set,
        "no centroid set loaded; send one with SetCentroids, or leave with_route out");
  }
  ++count_;
  return {};
}

}  // namespace runed::daemon
