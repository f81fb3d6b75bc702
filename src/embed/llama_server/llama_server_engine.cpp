#include "embed/llama_server/llama_server_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.hpp"
#include "base/text.hpp"
#include "embed/llama_server/protocol/first_embedding.hpp"
#include "embed/llama_server/protocol/server_pass.hpp"
#include "embed/llama_server/protocol/server_tokenizer.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/mapped_file.hpp"
#include "os/machine/memory.hpp"

namespace runed::embed::llama_server {
namespace {

using std::chrono::milliseconds;

// Source: llama.cpp, server.cpp, `input is too large to process. increase the physical batch size`.
constexpr std::string_view kTooLarge = "too large to process";

// What a child may own: what it has when it is ready, twice, and room for what it computes with.
constexpr uint64_t kRoom = uint64_t{512} << 20;
constexpr milliseconds kMemoryInterval{1000};

// A copy has no digest until it was read: somebody may have left another file there.
ServedFile served_file(const LlamaServerOptions& options) {
  if (options.source.path.empty()) {
    return ServedFile({.source = {.bytes = {}, .path = options.model_copy_path},
                       .promised_sha256 = options.sha256});
  }
  return ServedFile({.source = options.source,
                     .sha256 = options.sha256,
                     .file = options.file,
                     .promised_sha256 = options.promised_sha256});
}

// Writes a model that is in memory where a child can open it, unless it is there.
Status write_copy(std::span<const std::byte> bytes, const std::string& path) {
  const auto there = os::MappedFile::open(path);
  if (there && std::ranges::equal(there->bytes(), bytes)) return {};
  return os::write_file_atomically(
      path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, 0600);
}

uint32_t longest_of(const PackedBatch& batch) {
  uint32_t longest = 0;
  for (size_t text = 0; text + 1 < batch.offsets.size(); ++text) {
    longest = std::max(longest, batch.offsets[text + 1] - batch.offsets[text]);
  }
  return longest;
}

}  // namespace

Result<std::unique_ptr<LlamaServerEngine>> LlamaServerEngine::create(LlamaServerOptions options,
                                                                     const Clock& clock) {
  TRY_ASSIGN(ServerFeatures features, read_features(options.executable));
  return std::unique_ptr<LlamaServerEngine>(
      new LlamaServerEngine(std::move(options), std::move(features), clock));
}

LlamaServerEngine::LlamaServerEngine(LlamaServerOptions options, ServerFeatures features,
                                     const Clock& clock)
    : options_(std::move(options)),
      features_(std::move(features)),
      clock_(clock),
      batch_tokens_(fit_batch_tokens(features_, options_.profile)),
      file_(served_file(options_)) {}

LlamaServerEngine::~LlamaServerEngine() {
  end_server(milliseconds(0));
}

Status LlamaServerEngine::start() {
  if (server_.process != nullptr && !server_.process->has_ended()) return {};
  Status started = load_model();
  if (started) started = start_server({});
  if (started) return {};
  // Of a file that is cut short a server dies, or it finds in it what is no fault of the file.
  if (Status same = file_.check_unchanged(); !same) started = std::move(same);
  return about(options_.source, as_told(std::move(started)).error());
}

void LlamaServerEngine::stop() {
  end_server(options_.patience.stop);
  model_ = {};
  {
    const std::lock_guard lock(tokenizer_mutex_);
    tokenizer_.reset();
  }
  os::release_pages(options_.source.bytes);  // They were read to be compared with the copy.
  os::trim_heap();
}

std::shared_ptr<const Tokenizer> LlamaServerEngine::tokenizer() const {
  const std::lock_guard lock(tokenizer_mutex_);
  return tokenizer_;
}

Status LlamaServerEngine::load_model() {
  if (is_in_memory()) TRY(write_copy(options_.source.bytes, options_.model_copy_path));
  TRY_ASSIGN(const auto file, file_.open());
  Status described = describe(file);
  if (!described && info_.model_sha256.empty()) file_.forget();
  file->release_pages();  // The child has its own.
  return described;
}

Status LlamaServerEngine::describe(const std::shared_ptr<const ModelFile>& file) {
  TRY_ASSIGN(model_, read_unchanged(*file, [&] {
               return describe_model(file, file_.sha256(), options_.published);
             }));
  TRY(file_.check());
  if (!info_.model_sha256.empty()) return {};
  info_ = {
      .engine = "llama-server",
      .version = features_.version,
      .model_name = model_.spec.name,
      .model_sha256 = file_.sha256(),
      .compute = name_of(options_.profile),
      .kernel = features_.has_gpu ? fmt::format("{}", fmt::join(features_.devices, ", ")) : "cpu",
      .dimension = model_.is_known() ? model_.spec.width : 0,  // Of others the first vector tells.
      .max_tokens =
          limit_tokens(std::min(model_.context, model_.spec.longest_text()), options_.max_tokens),
      .max_tokens_source = source_of_limit(model_.spec, options_.max_tokens),
      .spec = model_.spec};
  expected_ = {};
  if (options_.make_reference && model_.is_known()) {
    const auto reference =
        options_.make_reference({.source = {.bytes = {}, .path = file->path_for_others()},
                                 .sha256 = file_.sha256(),
                                 .file = file->identity()});
    if (reference) expected_ = first_embedding_of(**reference);
  }
  return {};
}

Status LlamaServerEngine::start_server(Demand demand) {
  end_server(options_.patience.stop);
  const SteadyTime begin = clock_.steady_now();
  demand_ = demand;
  shape_ = fit_shape(model_, features_, options_.profile, demand);
  if (Status ready = bring_up(); !ready) {
    end_server(milliseconds(0));
    return ready;
  }
  if (options_.log != nullptr) {
    const std::chrono::duration<double, std::milli> taken = clock_.steady_now() - begin;
    options_.log->info("llama-server ready", {{"pid", server_.process->pid()},
                                              {"version", features_.version},
                                              {"context", shape_.context},
                                              {"milliseconds", taken.count()}});
  }
  return {};
}

// Starts a server, and makes of one that is ready an engine that is.
Status LlamaServerEngine::bring_up() {
  const std::string path = file_.path_for_others();
  TRY_ASSIGN(server_,
             llama_server::start_server(
                 {.executable = options_.executable,
                  .model_path = path,
                  .model_bytes = file_.size_bytes(),
                  .threads = options_.threads,
                  .profile = options_.profile,
                  .socket_path = options_.socket_path,
                  .log_path = options_.log_path},
                 model_, features_, shape_, options_.patience,
                 {.clock = clock_, .is_interrupted = is_interrupted_, .on_end = tell_death_}));
  TRY(check_opened(path));
  TRY(as_told(file_.check_unchanged()));
  std::shared_ptr<const Tokenizer> tokenizer = model_.tokenizer;
  if (tokenizer == nullptr) {
    TRY_ASSIGN(tokenizer, ServerTokenizer::create(server_.endpoint));
  }
  TRY(check_first_embedding(*tokenizer));
  info_.max_text_bytes = max_text_bytes(info_.max_tokens, *tokenizer);
  anonymous_bytes_ = server_.process->anonymous_bytes();
  most_anonymous_bytes_ = anonymous_bytes_ * 2 + kRoom;
  memory_checked_ = clock_.steady_now();
  const std::lock_guard lock(tokenizer_mutex_);
  tokenizer_ = std::move(tokenizer);
  return {};
}

// The server may have opened the file that is at the path now. It is started again with ours.
Status LlamaServerEngine::check_opened(const std::string& path) const {
  if (file_.path_for_others() == path) return {};
  return make_error(ErrorCode::engine_died, "'{}' was replaced while llama-server read it", path);
}

// The copy is ours: a start writes it anew, where a file of the user's is for him to put back.
Status LlamaServerEngine::as_told(Status of_file) const {
  if (!of_file && is_in_memory() && of_file.error().code == ErrorCode::model_corrupt) {
    of_file.error().code = ErrorCode::engine_died;
  }
  return of_file;
}

// Better than to be killed for it, and to be killed again. On a GPU the cache is in its own memory.
Status LlamaServerEngine::check_memory(const ServerShape& shape, uint32_t tokens) const {
  const uint64_t available = os::available_bytes();
  if (available == 0 || features_.has_gpu) return {};
  const uint64_t usable = available / 4 * 3 + cache_bytes(model_, shape_, options_.profile);
  const uint64_t needed = cache_bytes(model_, shape, options_.profile);
  if (needed <= usable) return {};
  return make_error(ErrorCode::text_too_long,
                    "the text has {} tokens; llama-server would need {} for it, and {} are left",
                    tokens, format_bytes(needed), format_bytes(usable))
      .with_hint("split the text, or set RUNED_LLAMA_PROFILE=lowmem for the next daemon")
      .with(fact::kTokens, tokens);
}

// read_reply checks that it is finite and of unit length.
Status LlamaServerEngine::check_first_embedding(const Tokenizer& tokenizer) {
  TRY_ASSIGN(const std::vector<TokenId> ids, tokenizer.tokenize(kFirstText));
  const std::array<uint32_t, 2> offsets{0, static_cast<uint32_t>(ids.size())};
  TRY_ASSIGN(const std::vector<float> vector,
             run_pass({.ids = ids, .offsets = offsets}, info_.dimension));
  TRY(compare_first_embedding(vector, expected_));
  if (info_.dimension == 0) info_.dimension = static_cast<uint32_t>(vector.size());
  return {};
}

// It makes rows unit by itself, and tells no norms: builds that know how to leave that out cannot be told
// from those that pass over it, so that a norm might be that of a unit row.
Status LlamaServerEngine::embed(const PackedBatch& batch, EmbeddingRows out) {
  if (server_.process == nullptr) {
    return make_error(ErrorCode::unavailable, "the engine is not started");
  }
  if (is_interrupted_) return make_error(ErrorCode::shutting_down, "the engine is stopped");
  TRY(as_told(file_.check()));
  if (server_.process->has_ended()) return server_.process->how_it_ended();
  if (batch.offsets.size() <= 1) return {};
  TRY(check_lengths(batch, info_.max_tokens));
  CHECK(out.vectors.size() == (batch.offsets.size() - 1) * info_.dimension);
  const auto computed = compute(batch);
  TRY(as_told(file_.check_unchanged()));  // First: of a file that is cut short a server dies.
  if (!computed) return computed.error();
  std::ranges::copy(*computed, out.vectors.begin());
  std::ranges::fill(out.norms, 0.0F);
  last_useful_work_ = clock_.steady_now();
  return {};
}

Result<std::vector<float>> LlamaServerEngine::compute(const PackedBatch& batch) {
  TRY(make_room(batch));
  return compute_whole(batch);
}

// At least twice the context, so that texts that come sorted by length need few starts; if there is
// no memory for that, what the text needs.
Result<Demand> LlamaServerEngine::demand_for(uint32_t longest) const {
  const auto check = [&](const Demand& demand) {
    return check_memory(fit_shape(model_, features_, options_.profile, demand), longest);
  };
  Demand demand = demand_;
  demand.longest_text = std::max(longest, std::min(2 * shape_.context, model_.context));
  if (check(demand)) return demand;
  demand.longest_text = longest;
  TRY(check(demand));
  return demand;
}

// Between two passes, when nothing is lost by it: more context for a longer text, less memory for a
// child that hoards it.
Status LlamaServerEngine::make_room(const PackedBatch& batch) {
  Demand demand = demand_;
  const uint32_t longest = longest_of(batch);
  const bool is_short = longest >= shape_.context;
  if (is_short) {
    TRY_ASSIGN(demand, demand_for(longest));
  } else if (!has_grown()) {
    return {};
  }
  if (options_.log != nullptr) {
    options_.log->info(is_short ? "starting llama-server with more context"
                                : "starting llama-server anew to get memory back",
                       {{"tokens", longest},
                        {"anonymous_bytes", server_.process->anonymous_bytes()},
                        {"limit_bytes", most_anonymous_bytes_}});
  }
  return start_server(demand);
}

// Builds that cannot cut a text refuse one that is longer than the ubatch; nothing else tells them
// apart.
Result<std::vector<float>> LlamaServerEngine::compute_whole(const PackedBatch& batch) {
  auto vectors = run_pass(batch, info_.dimension);
  const bool is_refused = !vectors && vectors.error().code == ErrorCode::engine_fault &&
                          longest_of(batch) > shape_.ubatch &&
                          vectors.error().message.find(kTooLarge) != std::string::npos;
  if (!is_refused) return vectors;
  Demand demand = demand_;
  demand.computes_whole = true;
  TRY(start_server(demand));
  return run_pass(batch, info_.dimension);
}

bool LlamaServerEngine::has_grown() {
  const SteadyTime now = clock_.steady_now();
  if (now - memory_checked_ < kMemoryInterval) return false;
  memory_checked_ = now;
  anonymous_bytes_ = server_.process->anonymous_bytes();
  return anonymous_bytes_ > most_anonymous_bytes_;
}

Result<std::vector<float>> LlamaServerEngine::run_pass(const PackedBatch& batch,
                                                       uint32_t dimension) {
  auto vectors = ServerPass({.process = *server_.process,
                             .client = *server_.client,
                             .clock = clock_,
                             .is_interrupted = is_interrupted_},
                            batch, shape_.request_tokens, options_.patience.answer)
                     .run(dimension);
  if (vectors || vectors.error().code != ErrorCode::engine_died) return vectors;
  end_server(milliseconds(0));  // It may hang.
  return vectors;
}

void LlamaServerEngine::end_server(milliseconds grace) {
  if (server_.process != nullptr) server_.process->stop(grace);
  server_ = {};
  // It leaves its socket, and so does a start that was given up.
  static_cast<void>(os::remove_file(options_.socket_path).has_value());
}

}  // namespace runed::embed::llama_server
