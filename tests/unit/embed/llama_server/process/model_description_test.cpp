#include "embed/llama_server/process/model_description.hpp"

#include "embed/model/builtin_model.hpp"
#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Result;
using runed::embed::builtin_model;
using runed::embed::ModelFile;
using runed::embed::Pooling;
using runed::embed::llama_server::describe_model;
using runed::embed::llama_server::ModelDescription;
using runed::test::GgufBuilder;
using runed::test::small_qwen3;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

// Its tokenizer must not be used: the bytes are gone when this returns.
Result<ModelDescription> describe(const GgufBuilder& builder) {
  const std::vector<std::byte> bytes = builder.build();
  return describe_model(unwrap(ModelFile::open({.bytes = bytes, .path = {}})), {}, {});
}

GgufBuilder bert() {
  GgufBuilder builder;
  builder.set("general.architecture", "llama-embed")
      .set("llama-embed.context_length", uint32_t{500})
      .set("llama-embed.embedding_length", uint32_t{384})
      .set("llama-embed.block_count", uint32_t{6})
      .set("llama-embed.attention.causal", false)
      .set("llama-embed.pooling_type", uint32_t{1})
      .set("tokenizer.ggml.model", "bert");
  return builder;
}

}  // namespace

TEST_CASE("the built-in model is described, with a tokenizer of ours") {
  const auto file = unwrap(ModelFile::open({.bytes = builtin_model(), .path = {}}));
  const ModelDescription model = unwrap(describe_model(file, {}, {}));
  CHECK(model.spec.name == "runed-mini");
  CHECK(model.spec.architecture == "qwen3");
  CHECK(model.context == 512);
  CHECK(model.spec.width == 256);
  CHECK(model.spec.pooling.value == Pooling::last);
  CHECK(model.spec.prompts.is_known());
  REQUIRE(model.tokenizer != nullptr);
  CHECK_FALSE(unwrap(model.tokenizer->tokenize("text")).empty());
}

TEST_CASE("what llama-server would compute wrongly is refused, with the engine that does not") {
  const auto encoder = [](const std::string& architecture) {
    GgufBuilder builder = small_qwen3();
    for (const char* size : {"block_count", "context_length", "embedding_length",
                             "feed_forward_length", "attention.head_count"}) {
      builder.set(fmt::format("{}.{}", architecture, size), uint32_t{16});
    }
    return builder.set("general.architecture", architecture)
        .set(architecture + ".attention.layer_norm_epsilon", 1e-5F)
        .set(architecture + ".attention.causal", false)
        .set(architecture + ".attention.sliding_window", uint32_t{16})
        .set(architecture + ".attention.head_count", uint32_t{2})
        .set(architecture + ".rope.freq_base", 160000.0F)
        .set(architecture + ".pooling_type", uint32_t{1})
        .set("tokenizer.ggml.bos_token_id", uint32_t{260})
        .set("tokenizer.ggml.add_bos_token", true);
  };
  const std::string key = "modern-bert.hidden_activation";
  unwrap(describe(encoder("modern-bert").set(key, "gelu")));
  const Error error = unwrap_error(describe(encoder("modern-bert").set(key, "silu")));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message ==
        "llama-server does not compute 'small' of architecture 'modern-bert' right: it passes over "
        "the key 'modern-bert.hidden_activation'");
  CHECK(error.hint == "use the engine native");
  CHECK(unwrap_error(describe(encoder("gte"))).message ==
        "llama-server does not compute 'small' of architecture 'gte' right: it has no such "
        "architecture");
}

TEST_CASE("a cell holds the keys and values of all layers in 16 bits") {
  CHECK(unwrap(describe(small_qwen3())).cell_bytes == 2 * 2 * 16 * 2 * 2);
  CHECK(unwrap(describe(bert())).cell_bytes == 6 * 384 * 2 * 2);
  CHECK(unwrap(describe(bert().erase("llama-embed.block_count"))).cell_bytes == 0);
}

TEST_CASE("a model of another architecture is described by its file") {
  const ModelDescription silent = unwrap(describe(bert()));
  CHECK(silent.spec.name == "unnamed");
  CHECK(silent.spec.architecture == "llama-embed");
  CHECK(silent.context == 500);  // A text is computed whole, so that no token must be free.
  CHECK(silent.spec.width == 384);
  CHECK(silent.tokenizer == nullptr);
  CHECK(silent.spec.pooling.value == Pooling::mean);
  CHECK(silent.spec.frame.before.size() == 1);
  CHECK(silent.spec.frame.after.size() == 1);
  const ModelDescription telling = unwrap(
      describe(bert().set("llama-embed.pooling_type", uint32_t{2}).set("general.name", "b\n")));
  CHECK(telling.spec.pooling.value == Pooling::cls);
  CHECK(telling.spec.name.starts_with("b"));
  CHECK(telling.spec.name.find('\n') == std::string::npos);
}

TEST_CASE("a model that the native engine does not compute has a tokenizer of ours all the same") {
  const ModelDescription model =
      unwrap(describe(small_qwen3().set("qwen3.pooling_type", uint32_t{1})));
  CHECK(model.spec.architecture == "qwen3");
  CHECK(model.tokenizer != nullptr);
  CHECK(model.spec.pooling.value == Pooling::mean);
  CHECK(model.context == 128);
  const ModelDescription foreign =
      unwrap(describe(small_qwen3().set("tokenizer.ggml.pre", "deepseek-llm")));
  CHECK(foreign.tokenizer == nullptr);
  CHECK(foreign.spec.frame.after.size() == 1);
  CHECK(foreign.context == 127);
}

TEST_CASE("llama-server gets our ids of every model with WordPiece, also where ours is no row") {
  const GgufBuilder file = bert()
                               .set("general.architecture", "llama-embed")
                               .set("llama-embed.context_length", uint32_t{500})
                               .set("llama-embed.embedding_length", uint32_t{384})
                               .set("llama-embed.attention.causal", false)
                               .set("llama-embed.pooling_type", uint32_t{1})
                               .set("tokenizer.ggml.tokens",
                                    std::vector<std::string>{"[UNK]", "[CLS]", "[SEP]", "\u2581a"})
                               .set("tokenizer.ggml.token_type", std::vector<int32_t>{3, 3, 3, 1})
                               .set("tokenizer.ggml.unknown_token_id", uint32_t{0})
                               .set("tokenizer.ggml.bos_token_id", uint32_t{1})
                               .set("tokenizer.ggml.eos_token_id", uint32_t{2});
  const ModelDescription model = unwrap(describe(file));
  REQUIRE(model.tokenizer != nullptr);
  CHECK(unwrap(model.tokenizer->tokenize("A b")) == std::vector<runed::embed::TokenId>{1, 3, 0, 2});
  CHECK_FALSE(model.is_known());
  CHECK_FALSE(model.has_free_context());
  CHECK(model.context == 500);
}

TEST_CASE("a file with tensors of types that only llama-server knows is described") {
  const ModelDescription model = unwrap(describe(bert().tensor_raw("x", 999, {1}, 0)));
  CHECK(model.context == 500);
}

TEST_CASE("a file whose tensors tell that a part was left out is refused") {
  const Error error = unwrap_error(
      describe(bert()
                   .set("general.architecture", "bert")
                   .set("bert.pooling_type", uint32_t{1})
                   .tensor("cls.output.weight", runed::embed::TensorType::f32, {1}, "1234")));
  CHECK(error.message.starts_with("the model has a tensor 'cls.output.weight' and none"));
  CHECK(error.facts.has(runed::fact::kConversionFault));
}

TEST_CASE("of a model whose positions are scaled the longest text is what the file says") {
  const ModelDescription model =
      unwrap(describe(small_qwen3().set("qwen3.rope.scaling.type", "yarn")));
  CHECK(model.is_known());
  CHECK_FALSE(model.has_free_context());
  CHECK(model.context == 127);
  CHECK(unwrap(describe(small_qwen3())).has_free_context());
}

TEST_CASE("how a text is framed is what the file says, or what llama-server does without") {
  const auto frame = [](const char* tokenizer, std::optional<bool> bos, std::optional<bool> eos) {
    GgufBuilder builder;
    builder.set("general.architecture", "llama")
        .set("llama.context_length", uint32_t{500})
        .set("llama.embedding_length", uint32_t{384})
        .set("llama.pooling_type", uint32_t{1})
        .set("tokenizer.ggml.model", tokenizer);
    if (bos.has_value()) builder.set("tokenizer.ggml.add_bos_token", *bos);
    if (eos.has_value()) builder.set("tokenizer.ggml.add_eos_token", *eos);
    const auto found = unwrap(describe(builder)).spec.frame;
    return std::pair(found.before.size(), found.after.size());
  };
  using Pair = std::pair<size_t, size_t>;
  CHECK(frame("gpt2", true, true) == Pair{1, 1});
  CHECK(frame("gpt2", {}, {}) == Pair{0, 0});
  CHECK(frame("llama", {}, {}) == Pair{1, 0});
  CHECK(frame("llama", false, true) == Pair{0, 1});
  CHECK(frame("t5", {}, {}) == Pair{0, 1});
  CHECK(frame("bert", {}, false) == Pair{1, 1});
}

TEST_CASE("a model whose pooling nobody knows is refused, whoever would compute it") {
  for (const GgufBuilder& builder :
       {bert().erase("llama-embed.pooling_type"), small_qwen3().erase("qwen3.pooling_type")}) {
    const Error error = unwrap_error(describe(builder));
    CHECK(error.code == ErrorCode::model_unsupported);
    CHECK(error.message.starts_with("nobody says how a text becomes one vector"));
    CHECK(error.facts.has(runed::fact::kConversionFault));
  }
}

TEST_CASE("a file that was converted wrongly is refused, not described as another one") {
  const Error error = unwrap_error(describe(small_qwen3().set("qwen3.rope.freq_base", 1e4F)));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message == "key 'qwen3.rope.freq_base' is 10000 where 1000000 was expected");
  CHECK(error.facts.has(runed::fact::kConversionFault));
}

TEST_CASE("a size that is missing, or that no model has, is named") {
  CHECK(unwrap_error(describe(bert().erase("llama-embed.context_length"))).message ==
        "key 'llama-embed.context_length' is missing");
  const Error error =
      unwrap_error(describe(bert().set("llama-embed.embedding_length", uint32_t{0})));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message == "key 'llama-embed.embedding_length' is 0 where 1 to 65536 was expected");
}
