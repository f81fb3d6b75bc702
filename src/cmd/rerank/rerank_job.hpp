#pragma once

#include <string>
#include <vector>

#include "base/embedding.hpp"
#include "base/result.hpp"
#include "cmd/line/location.hpp"
#include "cmd/rerank.hpp"
#include "cmd/rerank/rerank_output.hpp"
#include "cmd/services.hpp"

namespace runed::cmd {

/// One `rerank` command, whichever way the scores are made. Borrows all of it.
struct RerankJob {
  const RerankFlags& flags;
  const EmbedOptions& options;
  const Location& location;
  const std::vector<std::string>& documents;
  Services& services;
};

/// Has the daemon score the documents, and starts one where there is none. The results are raw, one a
/// document in their order.
/// Errors: those of Client::rerank; wrong_model_kind with the rerankers that there are.
Result<Ranking> rerank_by_daemon(const RerankJob& job);

/// Scores them in this process. Nothing is fetched for it.
Result<Ranking> rerank_direct(const RerankJob& job);

}  // namespace runed::cmd
