#include "embed/native/pass/supported_spec.hpp"

#include "embed/model/model_recognition.hpp"
#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::Gguf;
using runed::embed::ModelSpec;
using runed::embed::recognise_model;
using runed::embed::TensorType;
using runed::embed::native::check_supported;
using runed::embed::native::is_supported;
using runed::test::GgufBuilder;
using runed::test::small_llama_embed;
using runed::test::small_qwen3;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

ModelSpec spec_of(const GgufBuilder& builder) {
  const auto bytes = builder.build();
  return unwrap(recognise_model(unwrap(Gguf::parse(bytes)), {}, {}));
}

std::string refusal_of(const ModelSpec& spec) {
  const Error error = unwrap_error(check_supported(spec));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK_FALSE(error.facts.has(runed::fact::kConversionFault));  // Another engine may compute it.
  return error.message;
}

template <typename T>
std::string message_with(std::string_view key, const T& value) {
  return refusal_of(spec_of(small_qwen3().set(key, value)));
}

}  // namespace

TEST_CASE("what the forward pass would compute wrongly is refused by the key and the value") {
  unwrap(check_supported(spec_of(small_qwen3())));
  CHECK(refusal_of(spec_of(small_llama_embed())) ==
        "key 'general.architecture' is 'llama-embed' where one of these was expected: bert, "
        "eurobert, gemma-embedding, gte, jina-bert-v3, modern-bert, mpnet, nomic-bert, qwen2, "
        "qwen3, static");
  CHECK(message_with("tokenizer.ggml.model", "rwkv") ==
        "key 'tokenizer.ggml.model' is 'rwkv' where 'gpt2' or 'bert' or 't5' or 'llama' was "
        "expected");
  CHECK(message_with("tokenizer.ggml.pre", "de\x1b") ==
        "key 'tokenizer.ggml.pre' is 'de\\x1b' where 'gpt-2' or 'roberta-bpe' or 'modern-bert' or "
        "'llama-bpe' or 'jina-v5-nano' or 'qwen2' was expected");
  CHECK(message_with("qwen3.attention.value_length", uint32_t{32}) ==
        "key 'qwen3.attention.value_length' is 32 where the key length 16 was expected");
  CHECK(message_with("qwen3.rope.scaling.type", "yarn") ==
        "key 'qwen3.rope.scaling.type' is 'yarn' where 'none' or 'linear' was expected");
  CHECK(message_with("qwen3.rope.scaling.factor", 4.0F) ==
        "key 'qwen3.rope.scaling.factor' is 4 where 1 was expected");
  CHECK(message_with("qwen3.rope.dimension_count", uint32_t{8}) ==
        "key 'qwen3.rope.dimension_count' is 8 where the head width 16 was expected");
}

TEST_CASE("a part that the forward pass has not is refused, whatever the architecture") {
  using namespace runed::embed;
  const auto with = [](auto field, auto value) {
    ModelSpec spec = spec_of(small_qwen3());
    spec.*field = value;
    return refusal_of(spec);
  };
  CHECK(with(&ModelSpec::pooling, Fact<Pooling>{Pooling::rank, FactSource::model_file}) ==
        "key 'qwen3.pooling_type' is 4 where 1 (mean), 2 (cls) or 3 (last) was expected");
  CHECK(with(&ModelSpec::window, 64U) ==
        "key 'qwen3.attention.sliding_window' is 64 where 0 was expected");
}

TEST_CASE("the types that kernels read are supported, and no others") {
  for (const TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q8_0, TensorType::q6_k,
        TensorType::q5_k, TensorType::q4_k, TensorType::q5_1, TensorType::q5_0, TensorType::q4_1,
        TensorType::q4_0, TensorType::iq4_nl}) {
    CHECK(is_supported(type));
  }
  CHECK_FALSE(is_supported(TensorType{10}));  // Q2_K.
}
