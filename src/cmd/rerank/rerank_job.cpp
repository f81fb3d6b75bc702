#include "cmd/rerank/rerank_job.hpp"

#include <fmt/ranges.h>

#include <utility>

#include "cmd/embed/embed_local.hpp"
#include "cmd/line/model_client.hpp"
#include "cmd/line/progress.hpp"
#include "daemon/models/engine_factory.hpp"
#include "daemon/models/model_catalogue.hpp"
#include "embed/model/model_recognition.hpp"
#include "embed/rerank_request.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kDoing = "scoring";

// Of pairs that are made and scored before the next are made.
constexpr size_t kShareDocuments = 256;

Status check_expected(const RerankJob& job, const std::string& identity) {
  if (!job.flags.expect_model.has_value() || *job.flags.expect_model == identity) return {};
  return make_error(ErrorCode::model_mismatch, "the model is '{}', not '{}'", identity,
                    *job.flags.expect_model)
      .with_hint(
          "scores of different models must not be compared; serve the model that is expected")
      .with(Fact<std::string>{"model_identity"}, identity);
}

bool is_reranker(const std::string& path) {
  const auto file = embed::ModelFile::open({.bytes = {}, .path = path});
  if (!file) return false;
  const auto gguf = (*file)->gguf();
  if (!gguf) return false;
  const auto spec = embed::recognise_model(*gguf, {}, {});
  return spec && spec->head == embed::Head::rank;
}

// Which of the models that can be named are rerankers. Their files are read for it: only once a command
// has failed for want of one.
std::vector<std::string> list_rerankers(const Location& location) {
  std::vector<std::string> names;
  const auto declared = daemon::ModelCatalogue(location.paths, location.settings).list();
  if (!declared) return names;
  for (const auto& each : *declared) {
    const std::string& path = each.choice.path;
    if (!path.empty() && is_reranker(path)) names.push_back(each.names.front());
  }
  return names;
}

Error advise_reranker(Error error, const RerankJob& job) {
  if (error.code != ErrorCode::wrong_model_kind) return error;
  const std::vector<std::string> names = list_rerankers(job.location);
  error.hint = names.empty()
                   ? "no reranker is known here: name the file or the directory of one with --model"
                   : fmt::format("name a reranker with --model: {}", fmt::join(names, ", "));
  return error;
}

void advance(Progress& progress, size_t done, size_t total) {
  progress.update_texts(kDoing, done, done, total);
}

Result<Ranking> rerank(const RerankJob& job, const ModelRequest& request) {
  Progress progress(job.services.err, display_of(job.services, job.flags.json), job.services.clock);
  TRY_ASSIGN(client::Client client, connect(request, progress));
  TRY_ASSIGN(const auto info, prepare_model(request, client, progress));
  TRY(check_expected(job, info.model_identity));
  Ranking ranking{.model_name = info.model_name,
                  .model_identity = info.model_identity,
                  .engine = info.engine,
                  .query = job.flags.query,
                  .results = {}};
  TRY_ASSIGN(ranking.results,
             client.rerank(job.flags.query, job.documents, job.options, info.model_identity,
                           [&](size_t done) { advance(progress, done, job.documents.size()); }));
  return ranking;
}

Result<std::vector<embed::PreparedText>> make_pairs(const embed::PairMaker& maker,
                                                    const RerankJob& job, size_t first) {
  std::vector<embed::PreparedText> pairs;
  const size_t end = std::min(job.documents.size(), first + kShareDocuments);
  for (size_t i = first; i < end; ++i) {
    auto pair = maker.make(job.documents[i]);
    if (!pair) return std::move(pair).error().with(fact::kIndex, i);
    pairs.push_back(*std::move(pair));
  }
  return pairs;
}

Result<std::vector<RankedDocument>> score_all(const RerankJob& job, embed::Engine& engine) {
  Progress progress(job.services.err, display_of(job.services, job.flags.json), job.services.clock);
  const embed::ModelInfo& model = engine.info();
  TRY(embed::check_rerank_options(job.options, model));
  const auto tokenizer = engine.tokenizer();
  TRY_ASSIGN(const auto query, embed::bound_text(job.flags.query, job.options, model));
  TRY_ASSIGN(const auto maker, embed::PairMaker::create(query, job.options, model, *tokenizer));
  std::vector<RankedDocument> all;
  while (all.size() < job.documents.size()) {
    TRY_ASSIGN(const auto pairs, make_pairs(maker, job, all.size()));
    TRY_ASSIGN(const auto scored, embed::embed_all(engine, pairs));
    for (const Embedding& each : scored) {
      all.push_back({.index = static_cast<uint32_t>(all.size()),
                     .score = each.vector.front(),
                     .token_count = each.token_count,
                     .tokens_dropped = each.tokens_dropped});
    }
    advance(progress, all.size(), job.documents.size());
  }
  return all;
}

Result<Ranking> rerank_here(const RerankJob& job) {
  TRY_ASSIGN(const auto chosen, local_model(job.location));
  TRY_ASSIGN(const auto direct,
             daemon::make_direct_engine(job.location.paths, job.location.settings,
                                        job.services.environment, chosen, job.services.clock));
  TRY(direct.engine->start());
  const embed::ModelInfo& model = direct.engine->info();
  Ranking ranking{.model_name = model.model_name,
                  .model_identity = embed::model_identity(model.model_sha256),
                  .engine = model.engine,
                  .query = job.flags.query,
                  .results = {}};
  TRY(check_expected(job, ranking.model_identity));
  TRY_ASSIGN(ranking.results, score_all(job, *direct.engine));
  return ranking;
}

}  // namespace

Result<Ranking> rerank_by_daemon(const RerankJob& job) {
  const ModelRequest request{job.location, job.flags.settings, job.flags.timeout_seconds,
                             job.services};
  auto ranking = rerank(job, request);
  if (ranking) return ranking;
  return advise_reranker(explain(std::move(ranking).error(), request), job);
}

Result<Ranking> rerank_direct(const RerankJob& job) {
  auto ranking = rerank_here(job);
  if (ranking) return ranking;
  return advise_reranker(std::move(ranking).error(), job);
}

}  // namespace runed::cmd
