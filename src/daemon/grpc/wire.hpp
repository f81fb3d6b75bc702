#pragma once

#include <memory>
#include <string>

#include "base/embedding.hpp"
#include "base/result.hpp"
#include "daemon/api/api.hpp"
#include "daemon/api/state.hpp"
#include "daemon/queue/load_meter.hpp"
#include "daemon/route/centroid_set.hpp"
#include "embed/model/model_spec.hpp"
#include "runed/v1/raw.pb.h"
#include "runed/v1/runed.pb.h"

namespace runed::daemon {

/// What is ours, as messages of the wire contract.
v1::HealthResponse::Status to_wire(Serving serving);
v1::HealthResponse::Phase to_wire(Phase phase);
void fill(const LoadStatistics& load, v1::LoadStatistics& message);
void fill(const embed::ModelSpec& spec, v1::InfoResponse& response);
void fill(const embed::ModelSpec& spec, v1::ModelInfo& message);

/// What the embeddings of a call have in common.
struct Origin {
  std::string model_identity;
  std::shared_ptr<const CentroidSet> route;  // What they were routed by, or null.
};
Origin origin_of(const Api::Admitted& admitted);
void fill(const Embedding& embedding, const Origin& origin, v1::EmbedResponse& response);

/// Shows what is not UTF-8 in the texts of a reply, such as a path, with escapes: otherwise a client
/// could not read any of it.
void escape_texts(google::protobuf::Message& reply);

/// Checks a name in a request.
/// Errors: not_utf8 (details: field, byte_offset).
Status check_utf8(const char* field, const std::string& value);

/// Reads the options of a call.
/// Errors: invalid_argument for a value that is none of its enumeration, and those of check_utf8
///         (details: field).
Result<EmbedOptions> read_options(const v1::raw::EmbedRequest& request);
Result<EmbedOptions> read_options(const v1::raw::EmbedBatchRequest& request);
Result<EmbedOptions> read_options(const v1::raw::EmbedOptions& options);
Result<EmbedOptions> read_options(const v1::raw::RerankRequest& request);

}  // namespace runed::daemon
