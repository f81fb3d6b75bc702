#include "embed/llama_server/process/model_description.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_header.hpp"
#include "embed/tokenizer/byte_pair_tokenizer.hpp"

namespace runed::embed::llama_server {
namespace {

constexpr uint32_t kMostTokens = 1 << 20;
constexpr uint32_t kMostDimension = 1 << 16;
constexpr uint64_t kBytesOfF16 = 2;

Result<uint32_t> read_size(const Gguf& file, const std::string& key, uint64_t most) {
  TRY_ASSIGN(const uint64_t found, file.unsigned_value(key));
  if (found >= 1 && found <= most) return static_cast<uint32_t>(found);
  return make_error(ErrorCode::model_unsupported, "key '{}' is {} where 1 to {} was expected", key,
                    found, most);
}

Result<ModelDescription> describe_qwen3(const Gguf& gguf, const ModelCard& card) {
  TRY_ASSIGN(const ModelHeader header, read_model_header(gguf, card.pooling.value));
  ModelDescription model{
      .name = header.name,
      .architecture = "qwen3",
      .context = header.context,
      .dimension = header.width,
      .cell_bytes = uint64_t{header.layers} * header.kv_heads * header.head_width * 2 * kBytesOfF16,
      .card = card,
      .tokenizer = nullptr};
  TRY_ASSIGN(model.tokenizer, BytePairTokenizer::create(gguf, header));
  return model;
}

uint64_t value_or(const Gguf& gguf, const std::string& key, uint64_t fallback) {
  const auto found = gguf.unsigned_value(key);
  return found ? *found : fallback;
}

// 0 if it cannot be told. Grouped heads share keys and values.
uint64_t cell_bytes(const Gguf& gguf, const std::string& architecture, uint32_t width) {
  const std::string attention = architecture + ".attention.";
  const uint64_t heads = std::max<uint64_t>(value_or(gguf, attention + "head_count", 1), 1);
  const uint64_t kv_heads = value_or(gguf, attention + "head_count_kv", heads);
  const uint64_t head_width = value_or(gguf, attention + "key_length", width / heads);
  const uint64_t layers = value_or(gguf, architecture + ".block_count", 0);
  const uint64_t values = kv_heads * head_width;
  return values <= kMostDimension && layers <= kMostDimension ? layers * values * 2 * kBytesOfF16
                                                              : 0;
}

bool is_set(const Gguf& gguf, const char* key, bool otherwise) {
  const auto found = gguf.bool_value(key);
  return found ? *found : otherwise;
}

// Where the file does not say, as llama.cpp does by default.
// Source: llama.cpp, llama_vocab::impl::load, for the kinds of tokenizer.
Frame read_frame(const Gguf& gguf) {
  const auto found = gguf.string_value("tokenizer.ggml.model");
  const std::string_view kind = found ? *found : std::string_view();
  if (kind == "bert") return {.before = 1, .after = 1};
  return {.before = is_set(gguf, "tokenizer.ggml.add_bos_token", kind == "llama") ? 1U : 0U,
          .after = is_set(gguf, "tokenizer.ggml.add_eos_token", kind == "t5") ? 1U : 0U};
}

}  // namespace

Result<ModelDescription> describe_model(const std::shared_ptr<const ModelFile>& file,
                                        std::string_view sha256,
                                        std::span<const PublishedFacts> published) {
  TRY_ASSIGN(const Gguf gguf, Gguf::parse_metadata(file->bytes()));
  TRY_ASSIGN(const std::string_view architecture, gguf.string_value("general.architecture"));
  TRY_ASSIGN(ModelCard card, recognise_model(gguf, sha256, published));
  if (architecture == "qwen3") {
    auto known = describe_qwen3(gguf, card);
    if (known || known.error().details.contains(kConversionFault)) return known;
  }
  ModelDescription model{.name = "unnamed",
                         .architecture = printable(architecture),
                         .card = std::move(card),
                         .frame = read_frame(gguf)};
  if (gguf.has("general.name")) {
    TRY_ASSIGN(const std::string_view name, gguf.string_value("general.name"));
    model.name = printable(name);
  }
  const std::string prefix(architecture);
  TRY_ASSIGN(model.context, read_size(gguf, prefix + ".context_length", kMostTokens));
  TRY_ASSIGN(model.dimension, read_size(gguf, prefix + ".embedding_length", kMostDimension));
  model.cell_bytes = cell_bytes(gguf, prefix, model.dimension);
  if (model.context > 1) --model.context;  // llama-server wants one token to be free.
  return model;
}

}  // namespace runed::embed::llama_server
