#include "daemon/queue/job.hpp"

#include "base/text.hpp"
#include "embed/rerank_request.hpp"

namespace runed::daemon {

Status PendingJob::check_texts() const {
  for (size_t i = 0; i < job.texts.size(); ++i) {
    if (const auto invalid = find_invalid_utf8(job.texts[i])) {
      return at_text(i,
                     make_error(ErrorCode::not_utf8, "the text is not UTF-8 at byte {}", *invalid)
                         .with(fact::kByteOffset, *invalid));
    }
  }
  return {};
}

Status PendingJob::check_options(const embed::ModelInfo& for_model) const {
  if (job.query.has_value()) return embed::check_rerank_options(job.options, for_model);
  // One without texts asks for a model of any kind to be loaded.
  if (job.texts.empty() && for_model.spec.head == embed::Head::rank) return {};
  return embed::check_options(job.options, for_model);
}

Status PendingJob::bound_texts(const embed::ModelInfo& for_model) {
  TRY(check_options(for_model));
  if (job.query.has_value()) {
    TRY_ASSIGN(const auto bound, embed::bound_text(*job.query, job.options, for_model));
    if (bound.size() < job.query->size()) job.query = std::string(bound);
  }
  for (size_t i = 0; i < job.texts.size(); ++i) {
    std::string& text = job.texts[i];
    if (for_model.max_text_bytes == 0 || text.size() <= for_model.max_text_bytes) continue;
    TRY(check_texts());
    const auto bound = embed::bound_text(text, job.options, for_model);
    if (!bound) return at_text(i, bound.error());
    if (bound->size() < text.size()) text = std::string(*bound);
  }
  return {};
}

Status PendingJob::prepare(const embed::Tokenizer& tokenizer,
                           std::shared_ptr<const embed::ModelInfo> for_model) {
  TRY(check_options(*for_model));
  TRY_ASSIGN(const Prepare prepare_text, make_prepare(tokenizer, *for_model));
  std::vector<embed::PreparedText> all;
  std::vector<Embedding> none(job.texts.size());
  all.reserve(job.texts.size());
  for (size_t i = 0; i < job.texts.size(); ++i) {
    auto text = prepare_text(job.texts[i]);
    if (!text) return at_text(i, std::move(text).error());
    none[i].token_count = static_cast<uint32_t>(text->ids.size());
    none[i].tokens_dropped = text->tokens_dropped;
    all.push_back(*std::move(text));
  }
  prepared = std::move(all);
  embeddings = std::move(none);
  model = std::move(for_model);
  return {};
}

Result<PendingJob::Prepare> PendingJob::make_prepare(const embed::Tokenizer& tokenizer,
                                                     const embed::ModelInfo& for_model) const {
  if (!job.query.has_value()) {
    return Prepare([&](const std::string& text) {
      return embed::prepare_text(text, job.options, for_model.spec, tokenizer,
                                 for_model.max_tokens);
    });
  }
  TRY_ASSIGN(auto maker, embed::PairMaker::create(*job.query, job.options, for_model, tokenizer));
  return Prepare([pairs = std::move(maker)](const std::string& text) { return pairs.make(text); });
}

Status PendingJob::accept(size_t index, Embedding computed) {
  std::vector<float>& vector = computed.vector;
  Embedding& embedding = embeddings[index];
  if (job.route != nullptr) {
    if (job.route->dim() != vector.size()) {  // The model was replaced since the call was admitted.
      return at_text(index, make_error(ErrorCode::no_centroid_set,
                                       "no centroid set loaded; the one there was is of another "
                                       "model"));
    }
    embedding.cluster_id = job.route->assign(vector);
  }
  if (Status cut = embed::cut_dimensions(vector, job.options.dimensions); !cut) {
    return at_text(index, std::move(cut).error());
  }
  embedding.vector = std::move(vector);
  embedding.norm = computed.norm;
  ++embedded;
  return {};
}

Status PendingJob::take_known(VectorCache& cache, LoadMeter& meter) {
  if (job.query.has_value()) return {};
  size_t taken = 0;
  for (size_t i = 0; i < embeddings.size(); ++i) {
    if (!embeddings[i].vector.empty()) continue;
    auto known = cache.find(model, prepared[i].ids);
    if (!known.has_value()) continue;
    TRY(accept(i, *std::move(known)));
    ++taken;
  }
  if (taken > 0) meter.texts_cached(taken);
  return {};
}

void PendingJob::recount() {
  queued_tokens = 0;
  for (const auto& text : prepared) queued_tokens += text.ids.size();
  part.set_tokens(queued_tokens);
}

// The tokens are no longer under way when the caller learns it; the job is, until it has.
void PendingJob::answer(Result<std::vector<Embedding>> result) noexcept {
  part.set_tokens(0);
  job.answer.give(std::move(result));
  part = {};
}

Error PendingJob::at_text(size_t index, Error error) const {
  if (job.texts.size() > 1) error.in(fmt::format("text {}", index));
  return std::move(error).with(fact::kIndex, index);
}

}  // namespace runed::daemon
