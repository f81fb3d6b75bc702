#include <limits>

#include "embed/model/architecture.hpp"
#include "embed/model/model_recognition.hpp"

#include "support/gguf_builder.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::Gguf;
using runed::embed::Mask;
using runed::embed::ModelSpec;
using runed::embed::Pooling;
using runed::embed::recognise_model;
using runed::test::GgufBuilder;
using runed::test::small_qwen3;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

ModelSpec spec_of(const GgufBuilder& builder) {
  const auto bytes = builder.build();
  return unwrap(recognise_model(unwrap(Gguf::parse(bytes)), {}, {}));
}

Error refusal_of(const GgufBuilder& builder) {
  const auto bytes = builder.build();
  Error error = unwrap_error(recognise_model(unwrap(Gguf::parse(bytes)), {}, {}));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.facts.has(runed::fact::kConversionFault));  // Of every engine.
  return error;
}

template <typename T>
std::string message_with(std::string_view key, const T& value) {
  return refusal_of(small_qwen3().set(key, value)).message;
}

}  // namespace

TEST_CASE("the header of a model is read from its file") {
  const ModelSpec spec = spec_of(small_qwen3());
  CHECK(spec.name == "small");
  CHECK(spec.layers == 2);
  CHECK(spec.width == 64);
  CHECK(spec.ff_width == 96);
  CHECK(spec.heads == 4);
  CHECK(spec.kv_heads == 2);
  CHECK(spec.head_width == 16);
  CHECK(spec.context == 128);
  CHECK(spec.rope_base == 1e6F);
  CHECK(spec.norm_epsilon == 1e-6F);
  CHECK(spec.vocabulary == 262);
  CHECK(spec.frame.before.empty());
  CHECK(spec.frame.after == std::vector<uint32_t>{261});
  CHECK(spec.tokenizer.model == "gpt2");
  CHECK(spec.tokenizer.pre == "qwen2");
  CHECK(spec.mask == Mask::causal);
  CHECK(spec.pooling.value == Pooling::last);
}

TEST_CASE("what a file may leave out has the usual value") {
  const ModelSpec spec = spec_of(small_qwen3()
                                     .erase("general.name")
                                     .erase("qwen3.attention.head_count_kv")
                                     .erase("qwen3.attention.key_length")
                                     .erase("qwen3.attention.value_length"));
  CHECK(spec.name == "unnamed");
  CHECK(spec.kv_heads == 4);
  CHECK(spec.head_width == 16);
}

TEST_CASE("the real vocabulary passes the gate without tensors") {
  const auto bytes = runed::test::read_file(RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf");
  const ModelSpec spec = unwrap(recognise_model(unwrap(Gguf::parse(bytes)), {}, {}));
  CHECK(spec.layers == 28);
  CHECK(spec.head_width == 128);
  CHECK(spec.context == 32768);
  CHECK(spec.vocabulary == 151669);
  CHECK(spec.frame.after == std::vector<uint32_t>{151643});
}

TEST_CASE("what another engine may compute is data, and no refusal") {
  CHECK(spec_of(small_qwen3().set("qwen3.pooling_type", uint32_t{1})).pooling.value ==
        Pooling::mean);
  CHECK(spec_of(small_qwen3().set("tokenizer.ggml.model", "llama")).tokenizer.model == "llama");
  CHECK(spec_of(small_qwen3().set("tokenizer.ggml.pre", "de\x1b")).tokenizer.pre == "de\\x1b");
  CHECK(spec_of(small_qwen3().set("qwen3.attention.causal", false)).mask == Mask::none);
  CHECK(spec_of(small_qwen3().set("qwen3.rope.scaling.type", "yarn")).rope_scaling == "yarn");
  CHECK(spec_of(small_qwen3().set("qwen3.rope.scaling.factor", 4.0F)).rope_scaling_factor == 4);
  CHECK(spec_of(small_qwen3().set("qwen3.rope.dimension_count", uint32_t{8})).rotary_width == 8);
  CHECK(spec_of(small_qwen3().set("qwen3.attention.value_length", uint32_t{32})).value_width == 32);
}

TEST_CASE("a BOS is in the frame where the file says so") {
  const GgufBuilder with_bos = small_qwen3().set("tokenizer.ggml.add_bos_token", true);
  CHECK(refusal_of(with_bos).message == "key 'tokenizer.ggml.bos_token_id' is missing");
  CHECK(spec_of(GgufBuilder(with_bos).set("tokenizer.ggml.bos_token_id", uint32_t{260}))
            .frame.before == std::vector<uint32_t>{260});
}

TEST_CASE("a text that would not end with EOS is refused") {
  const Error error = refusal_of(small_qwen3().set("tokenizer.ggml.add_eos_token", false));
  CHECK(error.message == "key 'tokenizer.ggml.add_eos_token' is false where true was expected");
  CHECK(error.hint.find("install another file") != std::string::npos);
  CHECK(error.facts.text("conversion_fault") == "tokenizer.ggml.add_eos_token");
  CHECK(refusal_of(small_qwen3().erase("tokenizer.ggml.add_eos_token")).message ==
        "key 'tokenizer.ggml.add_eos_token' is missing");
  CHECK(refusal_of(small_qwen3().erase("tokenizer.ggml.eos_token_id")).message ==
        "key 'tokenizer.ggml.eos_token_id' is missing");
  CHECK(message_with("tokenizer.ggml.eos_token_id", uint32_t{262}) ==
        "key 'tokenizer.ggml.eos_token_id' is 262 where an id below 262 was expected");
}

TEST_CASE("positions that would be computed wrongly are refused") {
  const Error error = refusal_of(small_qwen3().set("qwen3.rope.freq_base", 1e4F));
  CHECK(error.message == "key 'qwen3.rope.freq_base' is 10000 where 1000000 was expected");
  CHECK(error.hint.find("convert the model again") != std::string::npos);
  CHECK(error.facts.text("conversion_fault") == "qwen3.rope.freq_base");
  CHECK(refusal_of(small_qwen3().erase("qwen3.rope.freq_base")).message ==
        "key 'qwen3.rope.freq_base' is missing");
  CHECK(message_with("qwen3.rope.freq_base", std::numeric_limits<float>::quiet_NaN()) ==
        "key 'qwen3.rope.freq_base' is nan where 1000000 was expected");
  CHECK(spec_of(small_qwen3().set("qwen3.rope.scaling.type", "none")).rope_base == 1e6F);
}

TEST_CASE("sizes out of bounds are refused") {
  CHECK(message_with("qwen3.block_count", uint32_t{0}) ==
        "key 'qwen3.block_count' is 0 where 1 to 1024 was expected");
  CHECK(message_with("qwen3.embedding_length", uint64_t{1} << 60) ==
        "key 'qwen3.embedding_length' is 1152921504606846976 where 1 to 65536 was expected");
  CHECK(message_with("qwen3.feed_forward_length", int32_t{-1}) ==
        "key 'qwen3.feed_forward_length' is -1 where an unsigned integer was expected");
  CHECK(message_with("qwen3.context_length", uint32_t{2'000'000}) ==
        "key 'qwen3.context_length' is 2000000 where 1 to 1048576 was expected");
  CHECK(message_with("qwen3.attention.head_count_kv", uint32_t{3}) ==
        "key 'qwen3.attention.head_count_kv' is 3 where a divisor of 4 heads was expected");
  CHECK(message_with("qwen3.attention.key_length", uint32_t{15}) ==
        "key 'qwen3.attention.key_length' is 15 where an even number was expected");
  CHECK(
      message_with("qwen3.attention.layer_norm_rms_epsilon", 0.0F) ==
      "key 'qwen3.attention.layer_norm_rms_epsilon' is 0 where a number from 0 to 1 was expected");
  CHECK(message_with("tokenizer.ggml.tokens", std::vector<std::string>{}) ==
        "key 'tokenizer.ggml.tokens' is an array of 0 where 1 to 16777216 was expected");
}
