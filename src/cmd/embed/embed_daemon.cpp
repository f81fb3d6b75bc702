#include "cmd/embed/embed_daemon.hpp"

#include <utility>

#include "client/client.hpp"
#include "cmd/line/model_client.hpp"

namespace runed::cmd {
namespace {

class OutputSink final : public client::ResultSink {
 public:
  OutputSink(EmbedOutput& output, EmbedProgress& progress) : output_(output), progress_(progress) {}

  Status take(Embedding embedding) override {
    TRY(output_.add(embedding));
    progress_.advance();
    return {};
  }

  Status on_pause() override { return output_.flush(); }

 private:
  EmbedOutput& output_;
  EmbedProgress& progress_;
};

KnownPrompts known_prompts(const client::InfoReport& info) {
  KnownPrompts prompts{.query = info.query_prompt,
                       .document = info.document_prompt,
                       .named = {},
                       .default_name = info.default_prompt_name,
                       .source = info.prompt_source};
  for (const auto& [name, text] : info.named_prompts) prompts.named.push_back({name, text});
  return prompts;
}

Status embed(EmbedJob& job, const ModelRequest& request) {
  EmbedProgress progress(job);
  TRY_ASSIGN(client::Client client, connect(request, progress.display()));
  TRY_ASSIGN(const auto info, prepare_model(request, client, progress.display()));
  TRY(check_expected(job.flags, info.model_identity));
  TRY(check_dimensions(job.flags, info.model_name, info.min_dimensions, info.vector_dim));
  // Also so that a daemon which does not know the field is not thought to have obeyed.
  TRY(set_model(job, {info.model_name, info.model_identity, info.engine}, known_prompts(info),
                progress.display()));
  OutputSink sink(job.output, progress);
  Status done = client.embed_stream(job.options, info.model_identity, job.input, sink);
  if (!done) return at_place(std::move(done).error(), job.input);
  return {};
}

}  // namespace

Status embed_by_daemon(EmbedJob& job) {
  const ModelRequest request{job.location, job.flags.settings, job.flags.timeout_seconds,
                             job.services};
  Status done = embed(job, request);
  if (!done) return explain(std::move(done).error(), request);
  return done;
}

}  // namespace runed::cmd
