#include "cmd/embed/embed_local.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "bootstrap/install/last_builtin.hpp"
#include "bootstrap/use/ready_model.hpp"
#include "daemon/models/engine_factory.hpp"
#include "embed/model/builtin_model.hpp"
#include "embed/request.hpp"

namespace runed::cmd {
namespace {

constexpr size_t kMostTexts = 256;
constexpr size_t kMostPasses = 4;  // Of tokens: full passes, and one that is not.

KnownPrompts known_prompts(const embed::ModelSpec& spec) {
  std::string source{name_of(spec.prompts.source)};
  if (!spec.prompts.is_known()) return {.source = std::move(source)};
  const embed::Prompts& known = spec.prompts.value;
  return {.query = known.query,
          .document = known.document,
          .named = list_prompts(known),
          .default_name = known.default_name,
          .source = std::move(source)};
}

Status check_dimensions(const EmbedJob& job, const embed::ModelInfo& model) {
  return cmd::check_dimensions(job.flags, model.model_name, model.spec.min_dimensions.value,
                               model.dimension);
}

// The texts for some passes, up to the end of the input or its first fault.
struct Share {
  std::vector<embed::PreparedText> texts;
  Status end;  // A fault of the text after them.
  bool is_last = false;
};

Result<embed::PreparedText> prepare(EmbedJob& job, const embed::ModelInfo& model,
                                    const embed::Tokenizer& tokenizer, const std::string& text,
                                    uint64_t index) {
  const auto bound = embed::bound_text(text, job.options, model);
  auto prepared =
      bound ? embed::prepare_text(*bound, job.options, model.spec, tokenizer, model.max_tokens)
            : Result<embed::PreparedText>(bound.error());
  if (prepared) return prepared;
  return at_place(std::move(prepared).error().with(fact::kIndex, index), job.input);
}

Share next_share(EmbedJob& job, const embed::Engine& engine) {
  Share share;
  const size_t most_tokens = kMostPasses * engine.batch_tokens();
  for (size_t tokens = 0; share.texts.size() < kMostTexts && tokens < most_tokens;) {
    auto text = job.input.wait_next();
    if (!text) {
      share.end = std::move(text).error();
      break;
    }
    share.is_last = !text->has_value();
    if (share.is_last) break;
    auto prepared = prepare(job, engine.info(), *engine.tokenizer(), **text,
                            job.output.count() + share.texts.size());
    if (!prepared) {
      share.end = std::move(prepared).error();
      break;
    }
    tokens += prepared->ids.size();
    share.texts.push_back(*std::move(prepared));
  }
  return share;
}

// Whoever has vectors of the built-in model before is told, once.
void note_builtin(const EmbedJob& job, Progress& progress) {
  const std::string_view now = embed::builtin_model_name();
  const auto before = bootstrap::note_builtin(job.location.paths, now);
  if (!before || !before->has_value()) return;
  progress.note("note: " + bootstrap::describe_other_builtin(now, **before));
}

}  // namespace

Result<bootstrap::ReadyModel> local_model(const Location& location) {
  TRY_ASSIGN(const auto choice, bootstrap::choose_model(location.paths, location.settings));
  return bootstrap::check_model(location.paths, location.settings, choice, {},
                                daemon::inspect_model);
}

Status embed_direct(EmbedJob& job) {
  TRY_ASSIGN(const auto chosen, local_model(job.location));
  TRY_ASSIGN(const auto direct,
             daemon::make_direct_engine(job.location.paths, job.location.settings,
                                        job.services.environment, chosen, job.services.clock));
  const auto& engine = direct.engine;
  TRY(engine->start());
  const embed::ModelInfo& model = engine->info();
  const std::string identity = embed::model_identity(model.model_sha256);
  TRY(check_expected(job.flags, identity));
  TRY(check_dimensions(job, model));
  TRY(embed::check_options(job.options, model));
  EmbedProgress progress(job);
  if (chosen.path.empty()) note_builtin(job, progress.display());
  TRY(set_model(job, {model.model_name, identity, model.engine}, known_prompts(model.spec),
                progress.display()));
  while (true) {
    const Share share = next_share(job, *engine);
    TRY_ASSIGN(auto embeddings, embed::embed_all(*engine, share.texts));
    for (Embedding& embedding : embeddings) {
      TRY(embed::cut_dimensions(embedding.vector, job.options.dimensions));
      TRY(job.output.add(embedding));
      progress.advance();
    }
    TRY(Status(share.end));
    if (share.is_last) return {};
  }
}

Status tokenize_input(EmbedJob& job) {
  TRY_ASSIGN(const auto model, local_model(job.location));
  TRY_ASSIGN(const auto vocabulary, daemon::load_vocabulary(model));
  const std::string identity = embed::model_identity(vocabulary.model.model_sha256);
  TRY(check_expected(job.flags, identity));
  TRY(check_dimensions(job, vocabulary.model));
  TRY(embed::check_options(job.options, vocabulary.model));
  // Of a text that is not to be cut all ids are of interest, also of one that would be refused.
  embed::ModelInfo model_seen = vocabulary.model;
  if (const auto& most = job.location.settings.ctx_size.value; most.has_value()) {
    model_seen.max_tokens = std::min(model_seen.max_tokens, *most);
  }
  if (job.options.truncate == Truncate::error) {
    model_seen.max_tokens = std::numeric_limits<uint32_t>::max();
  }
  EmbedProgress progress(job);
  TRY(set_model(job, {vocabulary.model.model_name, identity}, known_prompts(vocabulary.model.spec),
                progress.display()));
  while (true) {
    TRY_ASSIGN(const auto text, job.input.wait_next());
    if (!text.has_value()) return {};
    TRY_ASSIGN(const auto prepared,
               prepare(job, model_seen, *vocabulary.tokenizer, *text, job.output.count()));
    TRY(job.output.add_ids(prepared.ids, prepared.tokens_dropped));
    progress.advance();
  }
}

}  // namespace runed::cmd
