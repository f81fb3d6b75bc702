#include "daemon/engine.hpp"

#include <algorithm>
#include <utility>

#include "base/clock.hpp"
#include "base/sha256.hpp"
#include "embed/builtin_model.hpp"
#include "embed/native/gguf.hpp"
#include "embed/native/model_file.hpp"
#include "embed/native/model_header.hpp"
#include "embed/native/native_embedder.hpp"
#include "os/cpus.hpp"

namespace runed::daemon {
namespace {

namespace native = embed::native;

native::ModelSource source_of(const bootstrap::ModelChoice& choice) {
  if (choice.path.empty()) return {.bytes = embed::builtin_model(), .path = {}};
  return {.bytes = {}, .path = choice.path};
}

Result<Vocabulary> load(const bootstrap::ModelChoice& choice) {
  TRY_ASSIGN(const auto file, native::ModelFile::open(source_of(choice)));
  TRY_ASSIGN(const auto gguf, native::Gguf::parse(file->bytes()));
  TRY_ASSIGN(const auto header, native::read_model_header(gguf));
  Vocabulary vocabulary{.model_name = header.name,
                        .model_sha256 = choice.path.empty()
                                            ? std::string(embed::builtin_model_sha256())
                                            : sha256_hex(file->bytes()),
                        .tokenizer = nullptr};
  TRY_ASSIGN(vocabulary.tokenizer, native::make_tokenizer(file, gguf, header));
  return vocabulary;
}

}  // namespace

Result<std::unique_ptr<embed::Embedder>> make_embedder(const bootstrap::ModelChoice& choice,
                                                       const bootstrap::Settings& settings,
                                                       const Clock& clock) {
  if (settings.engine.value == bootstrap::Engine::llama_server) {
    return make_error(ErrorCode::bad_config, "this build has no engine 'llama-server'")
        .with_hint("use --engine native, or leave it at auto");
  }
  native::NativeOptions options{
      .source = source_of(choice),
      .sha256 = {},
      .threads = std::min(os::available_cpus(), native::ThreadPool::kMostThreads),
      .kernel = settings.cpu.value.value_or(""),
      .max_tokens = settings.ctx_size.value.value_or(0)};
  if (choice.path.empty()) options.sha256 = embed::builtin_model_sha256();
  auto embedder = native::NativeEmbedder::create(std::move(options), clock);
  if (!embedder) {
    Error error = std::move(embedder).error();
    error.code = ErrorCode::bad_config;
    return error;
  }
  return std::unique_ptr<embed::Embedder>(*std::move(embedder));
}

Result<Vocabulary> load_vocabulary(const bootstrap::ModelChoice& choice) {
  auto vocabulary = load(choice);
  if (!vocabulary) return native::about(source_of(choice), std::move(vocabulary).error());
  return vocabulary;
}

}  // namespace runed::daemon
