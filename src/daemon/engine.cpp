#include "daemon/engine.hpp"

#include <algorithm>
#include <utility>

#include "base/clock.hpp"
#include "embed/builtin_model.hpp"
#include "embed/native/gguf.hpp"
#include "embed/native/kernel_choice.hpp"
#include "embed/native/model_file.hpp"
#include "embed/native/model_header.hpp"
#include "embed/native/native_embedder.hpp"
#include "os/cpus.hpp"

namespace runed::daemon {
namespace {

namespace native = embed::native;

native::ModelSource source_of(const bootstrap::ReadyModel& model) {
  if (model.path.empty()) return {.bytes = embed::builtin_model(), .path = {}};
  return {.bytes = {}, .path = model.path};
}

std::string sha256_of(const bootstrap::ReadyModel& model) {
  return model.path.empty() ? std::string(embed::builtin_model_sha256()) : model.sha256;
}

Result<Vocabulary> load(const bootstrap::ReadyModel& model) {
  TRY_ASSIGN(const auto file, native::ModelFile::open(source_of(model)));
  TRY_ASSIGN(const auto gguf, native::Gguf::parse(file->bytes()));
  TRY_ASSIGN(const auto header, native::read_model_header(gguf));
  Vocabulary vocabulary{
      .model_name = header.name, .model_sha256 = sha256_of(model), .tokenizer = nullptr};
  TRY_ASSIGN(vocabulary.tokenizer, native::make_tokenizer(file, gguf, header));
  return vocabulary;
}

}  // namespace

Status check_engine(const bootstrap::Settings& settings) {
  if (settings.engine.value == bootstrap::Engine::llama_server) {
    return make_error(ErrorCode::bad_config, "this build has no engine 'llama-server'")
        .with_hint("use --engine native, or leave it at auto");
  }
  auto kernel = native::choose_kernel(settings.cpu.value.value_or(""));
  if (kernel) return {};
  kernel.error().code = ErrorCode::bad_config;
  return std::move(kernel).error();
}

Result<std::unique_ptr<embed::Embedder>> make_embedder(const bootstrap::ReadyModel& model,
                                                       const bootstrap::Settings& settings,
                                                       const Clock& clock) {
  TRY(check_engine(settings));
  TRY_ASSIGN(auto embedder,
             native::NativeEmbedder::create(
                 {.source = source_of(model),
                  .sha256 = sha256_of(model),
                  .file = model.file,
                  .promised_sha256 = model.promised_sha256,
                  .threads = std::min(os::available_cpus(), native::ThreadPool::kMostThreads),
                  .kernel = settings.cpu.value.value_or(""),
                  .max_tokens = settings.ctx_size.value.value_or(0)},
                 clock));
  return std::unique_ptr<embed::Embedder>(std::move(embedder));
}

Result<Vocabulary> load_vocabulary(const bootstrap::ReadyModel& model) {
  auto vocabulary = load(model);
  if (!vocabulary) return native::about(source_of(model), std::move(vocabulary).error());
  return vocabulary;
}

}  // namespace runed::daemon
