#pragma once

#include "base/embedding.hpp"
#include "base/result.hpp"
#include "daemon/centroid_set.hpp"
#include "daemon/load_meter.hpp"
#include "daemon/state.hpp"
#include "runed/v1/runed.pb.h"

namespace runed::daemon {

/// What is ours, as messages of the wire contract.
v1::HealthResponse::Status to_wire(Serving serving);
v1::HealthResponse::Phase to_wire(Phase phase);
void fill(const LoadStatistics& load, v1::LoadStatistics& message);
/// `route` is what the embedding was routed by, or null.
void fill(const Embedding& embedding, const CentroidSet* route, v1::EmbedResponse& response);

/// Reads the options of a call.
/// Errors: invalid_argument for a value that is none of its enumeration.
Result<EmbedOptions> read_options(const v1::EmbedRequest& request);
Result<EmbedOptions> read_options(const v1::EmbedBatchRequest& request);
Result<EmbedOptions> read_options(const v1::EmbedOptions& options);

}  // namespace runed::daemon
