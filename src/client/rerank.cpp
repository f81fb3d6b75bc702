#include <algorithm>
#include <utility>

#include "client/client.hpp"
#include "runed/v1/runed.pb.h"

namespace runed::client {
namespace {

// One request of many: few enough that a long input shows how far it is, enough that passes are full.
constexpr size_t kMostDocuments = 256;
constexpr size_t kMostBytes = size_t{8} << 20;

v1::RerankRequest request_of(const std::string& query, const EmbedOptions& options,
                             const std::string& model) {
  v1::RerankRequest request;
  request.set_query(query);
  request.set_raw_scores(true);
  request.set_instruction(options.instruction);
  request.set_truncate(options.truncate == Truncate::right ? v1::TRUNCATE_RIGHT
                                                           : v1::TRUNCATE_ERROR);
  request.set_model(model);
  return request;
}

// How many of the documents one request takes: one at least.
size_t count_for_request(std::span<const std::string> documents) {
  size_t count = 0;
  size_t bytes = 0;
  while (count < std::min(documents.size(), kMostDocuments)) {
    bytes += documents[count].size();
    if (count > 0 && bytes > kMostBytes) break;
    ++count;
  }
  return count;
}

// The index of an error is that of the request's documents.
Error from_first(Error error, size_t first) {
  if (const auto* const index = error.facts.find(fact::kIndex)) {
    error.facts.set(fact::kIndex, *index + first);
  }
  return error;
}

Status take(const v1::RerankResponse& response, size_t first, std::vector<RankedDocument>& all,
            size_t count) {
  const auto wrong = [] {
    return make_error(ErrorCode::internal, "the daemon's answer is not one score a document");
  };
  if (static_cast<size_t>(response.results_size()) != count) return wrong();
  std::vector<bool> is_there(count);
  for (const v1::RankedDocument& result : response.results()) {
    if (result.index() >= count || is_there[result.index()]) return wrong();
    is_there[result.index()] = true;
    all[first + result.index()] = {.index = static_cast<uint32_t>(first + result.index()),
                                   .score = result.score(),
                                   .token_count = result.token_count(),
                                   .tokens_dropped = result.tokens_dropped()};
  }
  return {};
}

}  // namespace

Result<std::vector<RankedDocument>> Client::rerank(const std::string& query,
                                                   std::span<const std::string> documents,
                                                   const EmbedOptions& options,
                                                   const std::string& model_identity,
                                                   const OnScored& on_scored) {
  std::vector<RankedDocument> all(documents.size());
  for (size_t first = 0; first < documents.size();) {
    const size_t count = count_for_request(documents.subspan(first));
    v1::RerankRequest request = request_of(query, options, model_);
    for (const std::string& document : documents.subspan(first, count)) {
      request.add_documents(document);
    }
    auto scored = ask_for_scores(request);
    if (!scored) return from_first(std::move(scored).error(), first);
    if (scored->model_identity() != model_identity) {
      return make_error(ErrorCode::model_mismatch, "the model changed from '{}' to '{}' on the way",
                        model_identity, scored->model_identity())
          .with_hint("run the command again");
    }
    TRY(take(*scored, first, all, count));
    note_progress();
    first += count;
    if (on_scored) on_scored(first);
  }
  return all;
}

}  // namespace runed::client
