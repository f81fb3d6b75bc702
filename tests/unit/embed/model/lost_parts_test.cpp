#include "embed/model/lost_parts.hpp"

#include <string>

#include "embed/model/model_recognition.hpp"
#include "support/gguf_builder.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Status;
using runed::embed::check_tensors;
using runed::embed::Gguf;
using runed::embed::has_rank_head;
using runed::embed::ModelSpec;
using runed::embed::recognise_model;
using runed::test::GgufBuilder;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

// Of f32, without a byte of data.
GgufBuilder with_tensors(const std::vector<std::pair<std::string, uint64_t>>& rows_of) {
  GgufBuilder builder;
  builder.set("general.architecture", "bert");
  for (const auto& [name, rows] : rows_of) {
    builder.tensor(name, runed::embed::TensorType::f32, {2, rows}, std::string(8 * rows, '\0'));
  }
  return builder;
}

ModelSpec bert(uint32_t context, const std::string& tokenizer) {
  ModelSpec spec;
  spec.architecture = "bert";
  spec.context = context;
  spec.tokenizer.model = tokenizer;
  return spec;
}

Status check(const GgufBuilder& builder, const ModelSpec& spec) {
  const auto bytes = builder.build();
  return check_tensors(unwrap(Gguf::parse(bytes)), spec);
}

std::string refusal_of(const Status& status) {
  const Error error = unwrap_error(status);
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.facts.has(runed::fact::kConversionFault));
  CHECK_FALSE(error.hint.empty());
  return error.message;
}

Error refusal_of_file(const std::string& path) {
  const auto bytes = runed::test::read_file(path);
  const Error error = unwrap_error(recognise_model(unwrap(Gguf::parse(bytes)), {}, {}));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.facts.has(runed::fact::kConversionFault));
  return error;
}

}  // namespace

TEST_CASE("files that llama.cpp's converter made wrongly are refused, each by what is wrong") {
  CHECK(refusal_of_file(RUNED_TEST_DATA "/tiny_gguf/broken-bert-unigram.f16.gguf").message ==
        "key 'tokenizer.ggml.model' is 'bert', but the pieces in 'tokenizer.ggml.tokens' are those "
        "of another tokenizer");
  CHECK(refusal_of_file(RUNED_TEST_DATA "/tiny_gguf/broken-rerank-bert.f16.gguf").message ==
        "the model has a tensor 'cls.output.weight' and none 'cls.weight': it is a reranker, and "
        "its converter left the pooler out");
  CHECK(refusal_of_file(RUNED_TEST_DATA_UNPACKED "/tiny_gguf/broken-gemma.q8_0.gguf").message ==
        "key 'gemma-embedding.dense_2_feat_in' is missing: the file lacks the dense layers");
}

TEST_CASE("a reranker of BERT without its pooler is refused, others are not") {
  const auto head = with_tensors({{"cls.output.weight", 1}});
  CHECK(refusal_of(check(head, bert(512, "bert"))).find("'cls.weight'") != std::string::npos);
  unwrap(check(head, bert(512, "t5")));
  unwrap(check(with_tensors({{"cls.output.weight", 1}, {"cls.weight", 2}}), bert(512, "bert")));
  ModelSpec other = bert(512, "bert");
  other.architecture = "modern-bert";
  unwrap(check(head, other));
}

TEST_CASE("positions of RoBERTa with the rows of padding are refused") {
  const auto positions = [](uint64_t rows) {
    return with_tensors({{"position_embd.weight", rows}});
  };
  unwrap(check(positions(512), bert(512, "t5")));
  unwrap(check(positions(514), bert(514, "bert")));
  unwrap(check(positions(514), bert(0, "bert")));  // Nobody says what was expected.
  CHECK(
      refusal_of(check(positions(514), bert(512, "gpt2"))) ==
      "tensor 'position_embd.weight' has 514 rows where the 512 of key 'bert.context_length' were "
      "expected");
  for (const uint32_t rows : {514U, 8194U}) {
    CHECK(refusal_of(check(positions(rows), bert(rows, "t5"))) ==
          fmt::format("tensor 'position_embd.weight' has {} rows where {} were expected: the 2 of "
                      "padding are among them",
                      rows, rows - 2));
  }
}

TEST_CASE("of a file whose tensors were not read nothing is refused") {
  const auto bytes = with_tensors({{"cls.output.weight", 1}}).build();
  const Gguf file = unwrap(Gguf::parse_metadata(bytes));
  unwrap(check_tensors(file, bert(512, "bert")));
  CHECK_FALSE(has_rank_head(file));
  CHECK(has_rank_head(unwrap(Gguf::parse(bytes))));
}
