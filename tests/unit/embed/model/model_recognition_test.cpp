#include "embed/model/model_recognition.hpp"

#include <algorithm>

#include "embed/model/builtin_model.hpp"
#include "support/gguf_builder.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Result;
using runed::embed::builtin_model;
using runed::embed::FactSource;
using runed::embed::Gguf;
using runed::embed::ModelSpec;
using runed::embed::Pooling;
using runed::embed::Prompts;
using runed::embed::PublishedFacts;
using runed::embed::recognise_model;
using runed::test::GgufBuilder;
using runed::test::small_qwen3;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

const std::string kDigest(64, 'a');

Result<ModelSpec> recognise(const GgufBuilder& builder,
                            const std::vector<PublishedFacts>& published = {}) {
  const std::vector<std::byte> bytes = builder.build();
  return recognise_model(unwrap(Gguf::parse_metadata(bytes)), kDigest, published);
}

Error refusal_of(const GgufBuilder& builder) {
  Error error = unwrap_error(recognise(builder));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.facts.has(runed::fact::kConversionFault));
  CHECK_FALSE(error.hint.empty());
  return error;
}

// A published model's header, as converters write it.
GgufBuilder bge_small() {
  GgufBuilder builder;
  builder.set("general.architecture", "bert")
      .set("general.name", "Bge Small En v1.5")
      .set("bert.block_count", uint32_t{12})
      .set("bert.context_length", uint32_t{512})
      .set("bert.embedding_length", uint32_t{384})
      .set("bert.feed_forward_length", uint32_t{1536})
      .set("bert.attention.head_count", uint32_t{12})
      .set("bert.attention.layer_norm_epsilon", 1e-12F)
      .set("bert.attention.causal", false)
      .set("bert.pooling_type", uint32_t{2})
      .set("tokenizer.ggml.model", "bert")
      .set("tokenizer.ggml.tokens", std::vector<std::string>(30522, "t"));
  return builder;
}

GgufBuilder encoder(const std::string& architecture, const char* tokenizer) {
  GgufBuilder builder;
  builder.set("general.architecture", architecture)
      .set(architecture + ".block_count", uint32_t{2})
      .set(architecture + ".context_length", uint32_t{128})
      .set(architecture + ".embedding_length", uint32_t{64})
      .set(architecture + ".feed_forward_length", uint32_t{96})
      .set(architecture + ".attention.head_count", uint32_t{4})
      .set(architecture + ".attention.layer_norm_epsilon", 1e-12F)
      .set(architecture + ".attention.layer_norm_rms_epsilon", 1e-6F)
      .set(architecture + ".attention.sliding_window", uint32_t{128})
      .set(architecture + ".rope.freq_base", 160000.0F)
      .set(architecture + ".attention.causal", false)
      .set(architecture + ".pooling_type", uint32_t{1})
      .set("tokenizer.ggml.model", tokenizer)
      .set("tokenizer.ggml.tokens", std::vector<std::string>(200, "t"))
      .set("tokenizer.ggml.add_bos_token", true)
      .set("tokenizer.ggml.add_eos_token", true);
  // Of WordPiece they need not be said.
  if (std::string_view(tokenizer) == "bert") return builder;
  builder.set("tokenizer.ggml.bos_token_id", uint32_t{1})
      .set("tokenizer.ggml.eos_token_id", uint32_t{2});
  if (std::string_view(tokenizer) != "t5") return builder;
  std::vector<std::string> tokens(200, "t");
  tokens[0] = "<s>";
  return builder.set("tokenizer.ggml.tokens", tokens)
      .set("tokenizer.ggml.scores", std::vector<float>(200, -1))
      .set("tokenizer.ggml.precompiled_charsmap", std::vector<uint8_t>(8));
}

GgufBuilder gemma() {
  return encoder("gemma-embedding", "llama")
      .erase("gemma-embedding.attention.causal")
      .set("gemma-embedding.attention.layer_norm_rms_epsilon", 1e-6F)
      .set("gemma-embedding.rope.freq_base", 1e6F)
      .set("gemma-embedding.attention.sliding_window", uint32_t{512})
      .set("gemma-embedding.dense_2_feat_in", uint32_t{64})
      .set("gemma-embedding.dense_2_feat_out", uint32_t{256})
      .set("gemma-embedding.dense_3_feat_in", uint32_t{256})
      .set("gemma-embedding.dense_3_feat_out", uint32_t{64});
}

PublishedFacts published(const std::string& sha256) {
  return {.sha256 = sha256,
          .facts = {.source = FactSource::manifest,
                    .prompts = Prompts{.query = {.prefix = "find: ", .default_task = {}},
                                       .document = {}},
                    .pooling = Pooling::last,
                    .min_dimensions = 16}};
}

}  // namespace

TEST_CASE("the built-in model and the real Qwen3 header are known, or not by their name alone") {
  const ModelSpec mini =
      unwrap(recognise_model(unwrap(Gguf::parse_metadata(builtin_model())), kDigest, {}));
  CHECK(mini.prompts.source == FactSource::known_model);
  CHECK(mini.prompts.value == Prompts{});
  CHECK(mini.min_dimensions.value == 64);
  CHECK(mini.pooling.source == FactSource::model_file);
  // `Qwen3 vocabulary (no tensors)`, whose other facts are those of the model.
  const auto bytes = runed::test::read_file(RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf");
  const ModelSpec other = unwrap(recognise_model(unwrap(Gguf::parse_metadata(bytes)), kDigest, {}));
  CHECK_FALSE(other.prompts.is_known());
  CHECK_FALSE(other.min_dimensions.is_known());
}

TEST_CASE("a model of the table is recognised in its file, and one that is nearly it is not") {
  const ModelSpec card = unwrap(recognise(bge_small()));
  CHECK(card.prompts.source == FactSource::known_model);
  CHECK(card.prompts.value.query.prefix ==
        "Represent this sentence for searching relevant passages: ");
  CHECK(card.pooling.value == Pooling::cls);
  CHECK(card.pooling.source == FactSource::model_file);
  CHECK_FALSE(card.min_dimensions.is_known());
  for (const GgufBuilder& other :
       {bge_small().set("bert.pooling_type", uint32_t{1}), bge_small().erase("general.name"),
        bge_small().set("general.name", "Bge Small En v1.5 Legal"),
        bge_small().set("bert.block_count", uint32_t{6}),
        bge_small().set("bert.embedding_length", uint32_t{385}),
        bge_small().set("tokenizer.ggml.tokens", std::vector<std::string>(30523, "t")),
        bge_small()
            .set("general.architecture", "llama-embed")
            .set("llama-embed.block_count", uint32_t{12})
            .set("llama-embed.embedding_length", uint32_t{384})
            .set("llama-embed.pooling_type", uint32_t{2})}) {
    CHECK_FALSE(unwrap(recognise(other)).prompts.is_known());
  }
}

TEST_CASE("what is published of a file by its digest counts before the table") {
  const ModelSpec card = unwrap(recognise(bge_small(), {published(kDigest)}));
  CHECK(card.prompts.source == FactSource::manifest);
  CHECK(card.prompts.value.query.prefix == "find: ");
  CHECK(card.min_dimensions.value == 16);
  CHECK(card.min_dimensions.source == FactSource::manifest);
  CHECK(card.pooling.value == Pooling::cls);  // What the file says is stronger than both.
  CHECK(card.pooling.source == FactSource::model_file);
  const ModelSpec other = unwrap(recognise(bge_small(), {published(std::string(64, 'b'))}));
  CHECK(other.prompts.source == FactSource::known_model);
  // Something else is published of it: the rest is the table's.
  PublishedFacts only_dimensions = published(kDigest);
  only_dimensions.facts.prompts.reset();
  const ModelSpec mixed = unwrap(recognise(bge_small(), {only_dimensions}));
  CHECK(mixed.prompts.source == FactSource::known_model);
  CHECK(mixed.min_dimensions.source == FactSource::manifest);
}

TEST_CASE("what is published of another architecture or width was said by mistake") {
  PublishedFacts right = published(kDigest);
  right.architecture = "bert";
  right.width = 384;
  CHECK(unwrap(recognise(bge_small(), {right})).prompts.source == FactSource::manifest);
  PublishedFacts wrong = right;
  wrong.architecture = "qwen3";
  CHECK(unwrap(recognise(bge_small(), {wrong})).prompts.source == FactSource::known_model);
  wrong = right;
  wrong.width = 1024;
  CHECK(unwrap(recognise(bge_small(), {wrong})).prompts.source == FactSource::known_model);
}

TEST_CASE("a pooling that the file does not say comes from the manifest or the table") {
  const GgufBuilder silent = bge_small().erase("bert.pooling_type");
  const ModelSpec by_table = unwrap(recognise(silent));
  CHECK(by_table.pooling.value == Pooling::cls);
  CHECK(by_table.pooling.source == FactSource::known_model);
  PublishedFacts facts = published(kDigest);
  facts.facts.pooling = Pooling::mean;
  const ModelSpec by_manifest = unwrap(recognise(silent, {facts}));
  CHECK(by_manifest.pooling.value == Pooling::mean);
  CHECK(by_manifest.pooling.source == FactSource::manifest);
  // With it the file is not the model of the table any more.
  facts.facts.prompts.reset();
  CHECK_FALSE(unwrap(recognise(silent, {facts})).prompts.is_known());
}

TEST_CASE("the longest text is what the file says, else the table, and never past the positions") {
  const GgufBuilder mini = bge_small()
                               .set("general.name", "all-MiniLM-L6-v2")
                               .set("bert.block_count", uint32_t{6})
                               .set("bert.pooling_type", uint32_t{1})
                               .set("bert.context_length", uint32_t{512});
  const ModelSpec by_table = unwrap(recognise(mini));
  CHECK(by_table.max_tokens.source == FactSource::known_model);
  CHECK(by_table.longest_text() == 256);
  const ModelSpec by_file =
      unwrap(recognise(GgufBuilder(mini).set("runed.max_seq_length", uint32_t{128})));
  CHECK(by_file.max_tokens.source == FactSource::model_file);
  CHECK(by_file.longest_text() == 128);
  const ModelSpec too_long =
      unwrap(recognise(GgufBuilder(mini).set("runed.max_seq_length", uint32_t{1024})));
  CHECK(too_long.longest_text() == 512);
  const ModelSpec unknown =
      unwrap(recognise(bge_small().set("bert.context_length", uint32_t{512})));
  CHECK_FALSE(unknown.max_tokens.is_known());
  CHECK(unknown.longest_text() == 512);
  CHECK(refusal_of(GgufBuilder(mini).set("runed.max_seq_length", uint32_t{0})).message ==
        "key 'runed.max_seq_length' is 0 where a number of tokens was expected");
}

TEST_CASE("prompts in the file count before those of the table, by their names too") {
  const std::vector<std::string> names{"query", "clustering"};
  const std::vector<std::string> texts{"find: ", "group: "};
  const ModelSpec spec = unwrap(
      recognise(bge_small().set("runed.prompts.names", names).set("runed.prompts.texts", texts)));
  CHECK(spec.prompts.source == FactSource::model_file);
  CHECK(spec.prompts.value.query.prefix == "find: ");
  CHECK(spec.prompts.value.named.size() == 2);
  CHECK(refusal_of(bge_small().set("runed.prompts.names", names)).message ==
        "key 'runed.prompts.texts' is missing");
}

TEST_CASE("a pooling that nobody knows is refused, and so is one that gives no vector") {
  const Error unknown = refusal_of(small_qwen3().erase("qwen3.pooling_type"));
  CHECK(unknown.message ==
        "nobody says how a text becomes one vector: the file has no key 'qwen3.pooling_type', and "
        "neither the manifest nor the table of known models has the model 'small'");
  CHECK(unknown.hint.find("1_Pooling/config.json") != std::string::npos);
  CHECK(unknown.hint.find("manifest") != std::string::npos);
  CHECK(refusal_of(small_qwen3().erase("qwen3.pooling_type").erase("general.name"))
            .message.ends_with("the model 'unnamed'"));
  CHECK(refusal_of(small_qwen3().set("qwen3.pooling_type", uint32_t{0})).message ==
        "key 'qwen3.pooling_type' is 0 (none): the model makes a vector of each token, not one of "
        "a text");
  CHECK(refusal_of(small_qwen3().set("qwen3.pooling_type", uint32_t{5})).message ==
        "key 'qwen3.pooling_type' is 5 where 1 (mean), 2 (cls), 3 (last) or 4 (rank) was "
        "expected");
}

TEST_CASE("an encoder that would be computed as a causal model is refused") {
  for (const char* architecture :
       {"bert", "nomic-bert", "jina-bert-v3", "modern-bert", "eurobert", "gte"}) {
    const std::string key = fmt::format("{}.attention.causal", architecture);
    unwrap(recognise(encoder(architecture, "gpt2")));
    CHECK(refusal_of(encoder(architecture, "gpt2").erase(key)).message ==
          fmt::format("key '{}' is missing", key));
    CHECK(refusal_of(encoder(architecture, "gpt2").set(key, true)).message ==
          fmt::format("key '{}' is true where false was expected", key));
  }
  unwrap(recognise(small_qwen3()));  // Causal, as llama.cpp takes it where nothing is said.
}

TEST_CASE("architectures of which nobody can say what is right are refused by their name") {
  for (const char* architecture : {"jina-bert-v2", "neo-bert", "nomic-bert-moe"}) {
    const Error error = refusal_of(encoder(architecture, "bert"));
    CHECK(error.message.find(fmt::format(
              "key 'general.architecture' is '{}', which is not served: ", architecture)) == 0);
  }
}

TEST_CASE("a file of gte-Qwen2 has to say that its tokens see each other") {
  const std::string key = "qwen2.attention.causal";
  const GgufBuilder gte = encoder("qwen2", "gpt2").set("general.name", "Gte Qwen2 1.5B Instruct");
  CHECK(unwrap(recognise(gte)).mask == runed::embed::Mask::none);
  GgufBuilder silent = gte;
  CHECK(refusal_of(silent.erase(key)).message ==
        "key 'qwen2.attention.causal' is missing: the tokens of gte-Qwen2 see each other");
  CHECK(unwrap(recognise(silent.set("general.name", "another"))).mask ==
        runed::embed::Mask::causal);
}

TEST_CASE("which layers of a model are local is said by a period, by a list, or known") {
  const auto spec = [](const GgufBuilder& file) { return unwrap(recognise(file)); };
  const std::string key = "modern-bert.attention.sliding_window_pattern";
  const auto base = [] {
    return encoder("modern-bert", "gpt2").set("modern-bert.block_count", uint32_t{4});
  };
  CHECK(spec(base()).local_layers == std::vector<bool>{false, true, true, false});
  CHECK(spec(base()).window == 64);
  CHECK(spec(base()).local_rope_base == 10000);
  CHECK(spec(base().set(key, uint32_t{2})).local_layers ==
        std::vector<bool>{false, true, false, true});
  CHECK(spec(base().set(key, std::vector<bool>{true, false, true, true})).local_layers ==
        std::vector<bool>{true, false, true, true});
  CHECK(refusal_of(base().set(key, std::vector<bool>{true})).message ==
        fmt::format("key '{}' is an array of 1 where 4 was expected", key));
  CHECK(refusal_of(base().erase("modern-bert.attention.sliding_window")).message ==
        "key 'modern-bert.attention.sliding_window' is missing");
  CHECK(refusal_of(base().set("modern-bert.rope.freq_base", 10000.0F)).message ==
        "key 'modern-bert.rope.freq_base' is 10000 where 160000 was expected");
  CHECK(refusal_of(base().set("modern-bert.hidden_activation", "relu")).message ==
        "key 'modern-bert.hidden_activation' is 'relu' where 'gelu' or 'silu' was expected");
}

TEST_CASE("of EmbeddingGemma the last layer of each period sees all tokens") {
  const std::string key = "gemma-embedding.attention.sliding_window_pattern";
  const auto layers = [&](uint32_t period) {
    GgufBuilder file = gemma().set("gemma-embedding.block_count", uint32_t{4}).set(key, period);
    return unwrap(recognise(file)).local_layers;
  };
  CHECK(layers(4) == std::vector<bool>{true, true, true, false});
  CHECK(layers(2) == std::vector<bool>{true, false, true, false});
  CHECK(layers(5) == std::vector<bool>{true, true, true, true});
}

TEST_CASE("a scaling of rotary positions that turns back or nowhere is refused") {
  const std::string key = "qwen3.rope.scaling.factor";
  for (const float factor : {-2.0F, std::numeric_limits<float>::quiet_NaN()}) {
    refusal_of(small_qwen3().set("qwen3.rope.scaling.type", "linear").set(key, factor));
  }
}

TEST_CASE("an encoder whose texts would not be framed is refused") {
  for (const char* key : {"tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token"}) {
    for (const char* tokenizer : {"t5", "gpt2"}) {
      unwrap(recognise(encoder("bert", tokenizer)));
      CHECK(refusal_of(encoder("bert", tokenizer).erase(key)).message ==
            fmt::format("key '{}' is missing", key));
      CHECK(refusal_of(encoder("bert", tokenizer).set(key, false)).message ==
            fmt::format("key '{}' is false where true was expected", key));
    }
    // llama.cpp frames texts of WordPiece whatever the file says.
    unwrap(recognise(encoder("bert", "bert").erase(key)));
    CHECK(refusal_of(gemma().erase(key)).message == fmt::format("key '{}' is missing", key));
  }
}

TEST_CASE("pieces of Unigram in a file that says WordPiece are refused") {
  const auto with = [](const std::string& piece, size_t count) {
    std::vector<std::string> tokens(1000, "\u2581word");
    std::fill_n(tokens.begin(), count, piece);
    return encoder("bert", "bert").set("tokenizer.ggml.tokens", tokens);
  };
  CHECK(refusal_of(with("\u2581\u2581the", 400)).message ==
        "key 'tokenizer.ggml.model' is 'bert', but the pieces in 'tokenizer.ggml.tokens' are those "
        "of another tokenizer");
  unwrap(recognise(with("\u2581\u2581", 1)));
  unwrap(recognise(with("the", 400)));
}

TEST_CASE("a reranker that has no key for it is told by its head, of which all must be there") {
  for (const auto& [tensor, missing] : {std::pair("cls.weight", "cls.output.weight"),
                                        std::pair("cls.output.weight", "cls.weight")}) {
    GgufBuilder file = encoder("bert", "t5");
    file.tensor(tensor, runed::embed::TensorType::f32, {1}, "1234");
    const auto with_pooling = file.build();
    unwrap(recognise_model(unwrap(Gguf::parse(with_pooling)), kDigest, {}));
    const auto without = file.erase("bert.pooling_type").build();
    CHECK(unwrap_error(recognise_model(unwrap(Gguf::parse(without)), kDigest, {})).message ==
          fmt::format("the model is a reranker, and has no tensor '{}': its converter left out a "
                      "part of the head",
                      missing));
  }
}

TEST_CASE("an epsilon that no layer norm of an encoder has is refused") {
  const std::string key = "bert.attention.layer_norm_epsilon";
  for (const float epsilon : {1e-12F, 1e-5F, 1e-6F}) {
    unwrap(recognise(encoder("bert", "bert").set(key, epsilon)));
  }
  CHECK(
      refusal_of(encoder("bert", "bert").set(key, 0.0F)).message ==
      "key 'bert.attention.layer_norm_epsilon' is 0 where a number from 0 to 0.0001 was expected");
  refusal_of(encoder("bert", "bert").set(key, 1e-3F));
}

TEST_CASE("texts of WordPiece are framed by the tokens of the file, or those of BERT") {
  const auto frame = [](const GgufBuilder& file) { return unwrap(recognise(file)).frame; };
  using runed::embed::Frame;
  using runed::embed::kTokenOfEngine;
  CHECK(frame(encoder("bert", "bert")) == Frame{{101}, {102}});
  CHECK(frame(encoder("bert", "bert")
                  .set("tokenizer.ggml.bos_token_id", uint32_t{2})
                  .set("tokenizer.ggml.eos_token_id", uint32_t{3})) == Frame{{2}, {3}});
  CHECK(frame(encoder("bert", "bert")
                  .set("tokenizer.ggml.bos_token_id", uint32_t{2})
                  .set("tokenizer.ggml.cls_token_id", uint32_t{4})
                  .set("tokenizer.ggml.eos_token_id", uint32_t{3})
                  .set("tokenizer.ggml.seperator_token_id", uint32_t{5})) == Frame{{4}, {5}});
  const auto other = [](const char* tokenizer) {  // Of an architecture without a row.
    return encoder("llama-embed", tokenizer);
  };
  CHECK(frame(other("bert")) == Frame{{101}, {102}});
  CHECK(frame(other("bert").set("tokenizer.ggml.bos_token_id", uint32_t{200})) ==
        Frame{{kTokenOfEngine}, {102}});
  CHECK(refusal_of(encoder("bert", "bert").set("tokenizer.ggml.bos_token_id", uint32_t{200}))
            .message ==
        "key 'tokenizer.ggml.bos_token_id' names no token of the vocabulary of 200");
  CHECK(frame(other("t5")) == Frame{{kTokenOfEngine}, {kTokenOfEngine}});
  CHECK(frame(encoder("bert", "t5")) == Frame{{1}, {2}});
}

TEST_CASE("Unigram without scores or charsmap, or not that of XLM-R, is refused") {
  const auto refusal = [](const GgufBuilder& file) {
    const auto error = refusal_of(file);
    CHECK(error.facts.has(runed::fact::kConversionFault));
    return error.message;
  };
  CHECK(refusal(encoder("bert", "t5").erase("tokenizer.ggml.scores")) ==
        "key 'tokenizer.ggml.scores' is missing");
  CHECK(refusal(encoder("nomic-bert", "t5").erase("tokenizer.ggml.precompiled_charsmap")) ==
        "key 'tokenizer.ggml.precompiled_charsmap' is missing");
  CHECK(refusal(encoder("bert", "t5")
                    .set("tokenizer.ggml.tokens", std::vector<std::string>(200, "<pad>"))) ==
        "key 'tokenizer.ggml.tokens' begins with '<pad>' where '<s>' was expected");
  unwrap(recognise(encoder("bert", "t5")
                       .erase("tokenizer.ggml.precompiled_charsmap")
                       .set("runed.tokenizer.has_charsmap", false)));
}

TEST_CASE("EmbeddingGemma without its dense layers is refused") {
  unwrap(recognise(gemma()));
  for (const char* key :
       {"gemma-embedding.dense_2_feat_in", "gemma-embedding.dense_3_feat_in"}) {
    CHECK(refusal_of(gemma().erase(key)).message ==
          fmt::format("key '{}' is missing: the file lacks the dense layers", key));
  }
}

TEST_CASE("a model that pools its last token has to say whether that is EOS") {
  const auto decoder = [](uint32_t pooling) {
    GgufBuilder builder;
    builder.set("general.architecture", "qwen3moe").set("qwen3moe.pooling_type", pooling);
    return builder;
  };
  constexpr const char* kAddEos = "tokenizer.ggml.add_eos_token";
  CHECK(refusal_of(decoder(3)).message == fmt::format("key '{}' is missing", kAddEos));
  unwrap(recognise(decoder(3).set(kAddEos, false)));
  unwrap(recognise(decoder(3).set(kAddEos, true)));
  unwrap(recognise(decoder(1)));
  // Of qwen3 it is known, also where only another engine computes the file.
  CHECK(refusal_of(small_qwen3().set(kAddEos, false).set("qwen3.rope.scaling.type", "yarn"))
            .message == fmt::format("key '{}' is false where true was expected", kAddEos));
}
