#include "embed/tokenizer/tokenizer_table.hpp"

#include "embed/model/model_recognition.hpp"
#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::embed::check_tokenizer;
using runed::embed::Gguf;
using runed::embed::make_tokenizer;
using runed::embed::ModelSpec;
using runed::embed::recognise_model;
using runed::embed::TokenId;
using runed::test::GgufBuilder;
using runed::test::small_llama_embed;
using runed::test::small_qwen3;
using runed::test::small_word_piece;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

std::string refusal_of(const GgufBuilder& builder) {
  const auto bytes = builder.build();
  const Gguf file = unwrap(Gguf::parse(bytes));
  const auto spec = unwrap(recognise_model(file, {}, {}));
  const auto error = unwrap_error(make_tokenizer(file, spec));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(unwrap_error(check_tokenizer(spec)).message == error.message);
  return error.message;
}

}  // namespace

TEST_CASE("the tokenizer of a model is that of its spec, with its frame") {
  const auto bytes = small_qwen3().build();
  const Gguf file = unwrap(Gguf::parse(bytes));
  const auto spec = unwrap(recognise_model(file, {}, {}));
  unwrap(check_tokenizer(spec));
  CHECK(unwrap(unwrap(make_tokenizer(file, spec))->tokenize("abc")) ==
        std::vector<TokenId>{257, 261});
}

TEST_CASE("WordPiece is WordPiece, whatever else a file says of how it splits a text") {
  ModelSpec spec;
  spec.architecture = "qwen3";  // Any that has a row.
  for (const std::string pre : {"", "jina-v2-en", "default"}) {
    spec.tokenizer = {.model = "bert", .pre = pre};
    unwrap(check_tokenizer(spec));
  }
  const auto bytes = small_word_piece({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁a"}).build();
  spec.frame = {.before = {2}, .after = {3}};
  CHECK(unwrap(unwrap(make_tokenizer(unwrap(Gguf::parse(bytes)), spec))->tokenize("A")) ==
        std::vector<TokenId>{2, 5, 3});
}

TEST_CASE("a part of a text has no frame, and special tokens only where they are parsed") {
  ModelSpec spec;
  spec.architecture = "bert";
  spec.tokenizer = {.model = "bert", .pre = {}};
  spec.frame = {.before = {2}, .after = {3}};
  const auto bytes =
      small_word_piece({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁a", "▁[", "▁]", "▁sep"})
          .build();
  const auto tokenizer = unwrap(make_tokenizer(unwrap(Gguf::parse(bytes)), spec));
  std::vector<TokenId> ids;
  unwrap(tokenizer->append("a [SEP]", runed::embed::SpelledTokens::parsed, ids));
  CHECK(ids == std::vector<TokenId>{5, 3});
  unwrap(tokenizer->append("a [SEP]", runed::embed::SpelledTokens::plain, ids));
  CHECK(ids == std::vector<TokenId>{5, 3, 5, 6, 8, 7});
}

TEST_CASE("a tokenizer that is none of ours is refused by its key") {
  CHECK(refusal_of(small_qwen3().set("tokenizer.ggml.model", "whitespace")) ==
        "key 'tokenizer.ggml.model' is 'whitespace' where 'gpt2' or 'bert' or 't5' or 'llama' was "
        "expected");
  const std::string known =
      "where 'gpt-2' or 'roberta-bpe' or 'modern-bert' or 'llama-bpe' or 'jina-v5-nano' or 'qwen2' "
      "was expected";
  CHECK(refusal_of(small_qwen3().set("tokenizer.ggml.pre", "gpt-4o")) ==
        "key 'tokenizer.ggml.pre' is 'gpt-4o' " + known);
  CHECK(refusal_of(small_qwen3().erase("tokenizer.ggml.pre")) ==
        "key 'tokenizer.ggml.pre' is '' " + known);
  CHECK(refusal_of(small_qwen3()
                       .set("general.architecture", "qwen3moe")
                       .set("qwen3moe.pooling_type", uint32_t{1})) ==
        "key 'general.architecture' is 'qwen3moe' where one of these was expected: bert, "
        "eurobert, gemma-embedding, gte, jina-bert-v3, modern-bert, mpnet, nomic-bert, qwen2, "
        "qwen3, static");
}

TEST_CASE("WordPiece needs no row of its architecture, since its frame is the same in all") {
  const auto bytes = small_llama_embed()
                         .set("general.architecture", "llama-embed")
                         .set("llama-embed.attention.causal", false)
                         .set("llama-embed.pooling_type", uint32_t{1})
                         .set("tokenizer.ggml.unknown_token_id", uint32_t{0})
                         .build();
  const Gguf file = unwrap(Gguf::parse(bytes));
  const auto spec = unwrap(recognise_model(file, {}, {}));
  unwrap(check_tokenizer(spec));
  CHECK(unwrap(unwrap(make_tokenizer(file, spec))->tokenize("x")) ==
        std::vector<TokenId>{101, 0, 261});
  ModelSpec unknown = spec;
  unknown.frame.before = {runed::embed::kTokenOfEngine};
  CHECK(unwrap_error(check_tokenizer(unknown)).message ==
        "key 'general.architecture' is 'llama-embed' where one of these was expected: bert, "
        "eurobert, gemma-embedding, gte, jina-bert-v3, modern-bert, mpnet, nomic-bert, qwen2, "
        "qwen3, static");
}
