#include "embed/model/byte_pair_rules.hpp"

#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::embed::BytePairRules;
using runed::embed::check_byte_pair_rules;
using runed::embed::Gguf;
using runed::embed::GgufMetadata;
using runed::embed::read_byte_pair_rules;
using runed::embed::SplitRule;
using runed::test::GgufBuilder;
using runed::test::unwrap;
using runed::test::unwrap_error;

TEST_CASE("the name of its rules says what goes for a file of llama.cpp's converter") {
  const auto bytes = GgufBuilder().set("tokenizer.ggml.pre", "modern-bert").build();
  const auto read = unwrap(read_byte_pair_rules(unwrap(Gguf::parse(bytes))));
  CHECK(read.rules == BytePairRules{.nfc = true});
  REQUIRE(read.usual != nullptr);
  CHECK(read.usual->lstrip == "[MASK]");
  CHECK(read.usual->finds_normalized);
}

TEST_CASE("rules of any kind come back as they were written") {
  for (const SplitRule split : {SplitRule::gpt2, SplitRule::llama3, SplitRule::qwen2}) {
    for (int bits = 0; bits < 8; ++bits) {
      const BytePairRules rules{.split = split,
                                .nfc = (bits & 1) != 0,
                                .ignore_merges = (bits & 2) != 0,
                                .add_prefix_space = (bits & 4) != 0};
      GgufMetadata metadata;
      write_byte_pair_rules(rules, metadata);
      const std::string file = metadata.file();
      const auto read = unwrap(
          read_byte_pair_rules(unwrap(Gguf::parse_metadata(std::as_bytes(std::span(file))))));
      CHECK(read.rules == rules);
      CHECK(read.usual == nullptr);
    }
  }
}

TEST_CASE("rules that nobody knows are refused with those that are known") {
  unwrap(check_byte_pair_rules("qwen2"));
  const auto error = unwrap_error(check_byte_pair_rules("gpt-4o"));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message.starts_with("key 'tokenizer.ggml.pre' is 'gpt-4o' where 'gpt-2' or"));
}
