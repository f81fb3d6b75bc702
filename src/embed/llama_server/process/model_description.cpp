#include "embed/llama_server/process/model_description.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "embed/model/architecture.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/spec_reader.hpp"
#include "embed/tokenizer/tokenizer_table.hpp"

namespace runed::embed::llama_server {
namespace {

constexpr uint32_t kMostTokens = 1 << 20;
constexpr uint32_t kMostDimension = 1 << 16;
constexpr uint64_t kBytesOfF16 = 2;

// 0 if it cannot be told. Grouped heads share keys and values.
uint64_t cell_bytes(const ModelSpec& spec) {
  const uint64_t values = uint64_t{spec.kv_heads} * spec.head_width;
  if (values > kMostDimension || spec.layers > kMostDimension) return 0;
  return spec.layers * values * 2 * kBytesOfF16;
}

// Its tensors may be of types that only llama-server knows.
Result<Gguf> parse(const ModelFile& file) {
  auto whole = file.gguf();
  if (whole || whole.error().code != ErrorCode::model_unsupported) return whole;
  return file.gguf_metadata();
}

// What llama.cpp has no architecture for, and what it passes over without a word.
// Source: llama.cpp b11669, llama-arch.cpp and src/models/modern-bert.cpp.
Status check_served(const ModelSpec& spec) {
  constexpr std::array<std::string_view, 3> kOfOurOwn{"gte", "mpnet", "static"};
  const auto refuse = [&](std::string_view what) {
    return make_error(ErrorCode::model_unsupported,
                      "llama-server does not compute '{}' of architecture '{}' right: {}",
                      spec.name, spec.architecture, what)
        .with_hint("use the engine native");
  };
  if (std::ranges::find(kOfOurOwn, spec.architecture) != kOfOurOwn.end()) {
    return refuse("it has no such architecture");
  }
  if (spec.head == Head::rank) return refuse("it makes pairs of texts as their makers do not");
  if (spec.architecture == "modern-bert" && spec.activation != Activation::geglu) {
    return refuse("it passes over the key 'modern-bert.hidden_activation'");
  }
  const bool has_tanh = std::ranges::any_of(spec.dense, [](const DenseLayer& layer) {
    return layer.activation == DenseLayer::Activation::tanh;
  });
  if (has_tanh) return refuse("its dense layers have no tanh");
  return {};
}

}  // namespace

bool ModelDescription::is_known() const {
  return tokenizer != nullptr && find_architecture(spec.architecture) != nullptr;
}

bool ModelDescription::has_free_context() const {
  return is_known() && spec.positions == Positions::rotary && spec.rope_scaling == "none";
}

Result<ModelDescription> describe_model(const std::shared_ptr<const ModelFile>& file,
                                        std::string_view sha256,
                                        std::span<const PublishedFacts> published) {
  TRY_ASSIGN(const Gguf gguf, parse(*file));
  ModelDescription model;
  TRY_ASSIGN(model.spec, recognise_model(gguf, sha256, published));
  TRY(check_served(model.spec));
  if (find_architecture(model.spec.architecture) == nullptr) {
    const SpecReader reader(gguf, model.spec);
    TRY_ASSIGN(model.spec.context, reader.read_size("context_length", kMostTokens));
    TRY_ASSIGN(model.spec.width, reader.read_size("embedding_length", kMostDimension));
  }
  if (check_tokenizer(model.spec)) {
    TRY_ASSIGN(model.tokenizer, make_tokenizer(gguf, model.spec));
  }
  model.cell_bytes = cell_bytes(model.spec);
  model.context = model.spec.context;
  // llama-server wants one token to be free where it can compute a text in parts (b11669).
  const bool is_whole = model.spec.pooling.value != Pooling::last;
  if (!is_whole && !model.has_free_context() && model.context > 1) --model.context;
  return model;
}

}  // namespace runed::embed::llama_server
