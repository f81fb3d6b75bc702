#include "embed/model/model_header.hpp"

#include <functional>

#include "support/gguf_builder.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::Gguf;
using runed::embed::kConversionFault;
using runed::embed::ModelHeader;
using runed::embed::read_model_header;
using runed::test::GgufBuilder;
using runed::test::small_qwen3;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

ModelHeader header_of(const GgufBuilder& builder) {
  const auto bytes = builder.build();
  return unwrap(read_model_header(unwrap(Gguf::parse(bytes))));
}

Error refusal_of(const GgufBuilder& builder) {
  const auto bytes = builder.build();
  Error error = unwrap_error(read_model_header(unwrap(Gguf::parse(bytes))));
  CHECK(error.code == ErrorCode::model_unsupported);
  return error;
}

template <typename T>
std::string message_with(std::string_view key, const T& value) {
  return refusal_of(small_qwen3().set(key, value)).message;
}

}  // namespace

TEST_CASE("the header of a model is read from its file") {
  const ModelHeader header = header_of(small_qwen3());
  CHECK(header.name == "small");
  CHECK(header.layers == 2);
  CHECK(header.width == 64);
  CHECK(header.ff_width == 96);
  CHECK(header.heads == 4);
  CHECK(header.kv_heads == 2);
  CHECK(header.head_width == 16);
  CHECK(header.context == 128);
  CHECK(header.rope_base == 1e6F);
  CHECK(header.rms_epsilon == 1e-6F);
  CHECK(header.vocabulary == 262);
  CHECK(header.eos == 261);
  CHECK(header.append_eos);
}

TEST_CASE("what a file may leave out has the usual value") {
  const ModelHeader header = header_of(small_qwen3()
                                           .erase("general.name")
                                           .erase("qwen3.attention.head_count_kv")
                                           .erase("qwen3.attention.key_length")
                                           .erase("qwen3.attention.value_length"));
  CHECK(header.name == "unnamed");
  CHECK(header.kv_heads == 4);
  CHECK(header.head_width == 16);
}

TEST_CASE("the real vocabulary passes the gate without tensors") {
  const auto bytes = runed::test::read_file(RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf");
  const ModelHeader header = unwrap(read_model_header(unwrap(Gguf::parse(bytes))));
  CHECK(header.layers == 28);
  CHECK(header.head_width == 128);
  CHECK(header.context == 32768);
  CHECK(header.vocabulary == 151669);
  CHECK(header.eos == 151643);
}

TEST_CASE("another kind of model is refused by the key and the value found") {
  CHECK(message_with("general.architecture", "bert") ==
        "key 'general.architecture' is 'bert' where 'qwen3' was expected");
  CHECK(message_with("qwen3.pooling_type", uint32_t{1}) ==
        "key 'qwen3.pooling_type' is 1 where 3 (last token) was expected");
  CHECK(message_with("tokenizer.ggml.model", "llama") ==
        "key 'tokenizer.ggml.model' is 'llama' where 'gpt2' was expected");
  CHECK(message_with("tokenizer.ggml.pre", "de\x1b") ==
        "key 'tokenizer.ggml.pre' is 'de\\x1b' where 'qwen2' was expected");
  CHECK(message_with("qwen3.attention.causal", false) ==
        "key 'qwen3.attention.causal' is false where true was expected");
}

TEST_CASE("how a file is pooled that does not say is what somebody else says") {
  using runed::embed::Pooling;
  const auto bytes = small_qwen3().erase("qwen3.pooling_type").build();
  const Gguf file = unwrap(Gguf::parse(bytes));
  unwrap(read_model_header(file, Pooling::last));
  for (const std::optional<Pooling> pooling : {std::optional<Pooling>(), {Pooling::mean}}) {
    CHECK(unwrap_error(read_model_header(file, pooling)).message ==
          "key 'qwen3.pooling_type' is missing");
  }
}

TEST_CASE("a text that would not end with EOS is refused") {
  const Error error = refusal_of(small_qwen3().set("tokenizer.ggml.add_eos_token", false));
  CHECK(error.message == "key 'tokenizer.ggml.add_eos_token' is false where true was expected");
  CHECK(error.hint.find("install a newer one") != std::string::npos);
  CHECK(error.details.at(kConversionFault) == "tokenizer.ggml.add_eos_token");
  CHECK(refusal_of(small_qwen3().erase("tokenizer.ggml.add_eos_token")).message ==
        "key 'tokenizer.ggml.add_eos_token' is missing");
  CHECK(refusal_of(small_qwen3().erase("tokenizer.ggml.eos_token_id")).message ==
        "key 'tokenizer.ggml.eos_token_id' is missing");
  CHECK(message_with("tokenizer.ggml.eos_token_id", uint32_t{262}) ==
        "key 'tokenizer.ggml.eos_token_id' is 262 where an id below 262 was expected");
  CHECK(message_with("tokenizer.ggml.add_bos_token", true) ==
        "key 'tokenizer.ggml.add_bos_token' is true where false was expected");
}

TEST_CASE("positions that would be computed wrongly are refused") {
  const Error error = refusal_of(small_qwen3().set("qwen3.rope.freq_base", 1e4F));
  CHECK(error.message == "key 'qwen3.rope.freq_base' is 10000 where 1000000 was expected");
  CHECK(error.hint.find("convert the model again") != std::string::npos);
  CHECK(error.details.at(kConversionFault) == "qwen3.rope.freq_base");
  // Another engine may know it.
  CHECK_FALSE(refusal_of(small_qwen3().set("qwen3.rope.scaling.type", "yarn"))
                  .details.contains(kConversionFault));
  CHECK(refusal_of(small_qwen3().erase("qwen3.rope.freq_base")).message ==
        "key 'qwen3.rope.freq_base' is missing");
  CHECK(message_with("qwen3.rope.freq_base", std::numeric_limits<float>::quiet_NaN()) ==
        "key 'qwen3.rope.freq_base' is nan where 1000000 was expected");
  CHECK(message_with("qwen3.rope.scaling.type", "yarn") ==
        "key 'qwen3.rope.scaling.type' is 'yarn' where 'none' was expected");
  CHECK(message_with("qwen3.rope.scaling.factor", 4.0F) ==
        "key 'qwen3.rope.scaling.factor' is 4 where 1 was expected");
  CHECK(message_with("qwen3.rope.dimension_count", uint32_t{8}) ==
        "key 'qwen3.rope.dimension_count' is 8 where the head width 16 was expected");
  CHECK(header_of(small_qwen3().set("qwen3.rope.scaling.type", "none")).rope_base == 1e6F);
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
  CHECK(message_with("qwen3.attention.value_length", uint32_t{32}) ==
        "key 'qwen3.attention.value_length' is 32 where the key length 16 was expected");
  CHECK(
      message_with("qwen3.attention.layer_norm_rms_epsilon", 0.0F) ==
      "key 'qwen3.attention.layer_norm_rms_epsilon' is 0 where a number from 0 to 1 was expected");
  CHECK(message_with("tokenizer.ggml.tokens", std::vector<std::string>{}) ==
        "key 'tokenizer.ggml.tokens' is an array of 0 where 1 to 16777216 was expected");
}
