// What a file does not say, llama.cpp fills in by a default, and the vectors look like any others.
// Each of these defaults is named here, with the models that it is wrong for.
#include "embed/model/model_recognition.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "embed/model/architecture.hpp"
#include "embed/model/file_prompts.hpp"
#include "embed/model/known_models.hpp"
#include "embed/model/lost_parts.hpp"
#include "embed/model/rank_head_reader.hpp"

namespace runed::embed {
namespace {

constexpr std::string_view kAddBos = "tokenizer.ggml.add_bos_token";
constexpr std::string_view kAddEos = "tokenizer.ggml.add_eos_token";
constexpr std::string_view kPoolingKey = "pooling_type";
constexpr std::string_view kMaxTokensKey = "runed.max_seq_length";
constexpr uint32_t kMostPooling = static_cast<uint32_t>(Pooling::rank);

// Architectures in which each token sees all others, and a text is framed by two special tokens.
// Source: llama.cpp's conversion/bert.py and llama-arch.cpp.
constexpr std::array<std::string_view, 7> kEncoders{
    "bert", "nomic-bert", "jina-bert-v3", "modern-bert", "eurobert", "gte", "mpnet"};
constexpr std::string_view kGemmaEmbedding = "gemma-embedding";  // Never causal in llama.cpp.

/// An architecture that no engine computes as its makers do, or of which nobody can tell.
struct Refused {
  std::string_view architecture;
  std::string_view why;
};

constexpr std::string_view kNoReference =
    "only code that comes with such models says what is right, and no engine here was compared "
    "with "
    "it";
constexpr std::array<Refused, 3> kRefused{{
    {"jina-bert-v2", kNoReference},
    {"neo-bert", kNoReference},
    {"nomic-bert-moe",
     "converters leave out the bias of its experts, without which its vectors are "
     "others"},
}};

bool is_about(const PublishedFacts& entry, std::string_view sha256, const ModelSpec& spec) {
  return entry.sha256 == sha256 &&
         (entry.architecture.empty() || entry.architecture == spec.architecture) &&
         (entry.width == 0 || entry.width == spec.width);
}

std::string text_or_empty(const Gguf& file, std::string_view key) {
  const auto found = file.string_value(key);
  return found ? std::string(*found) : std::string();
}

uint32_t number_or(const Gguf& file, const std::string& key, uint32_t fallback) {
  const auto found = file.unsigned_value(key);
  return found && *found <= UINT32_MAX ? static_cast<uint32_t>(*found) : fallback;
}

bool flag_or(const Gguf& file, std::string_view key, bool fallback) {
  const auto found = file.bool_value(key);
  return found ? *found : fallback;
}

// The special tokens of WordPiece that older files do not name. Source: llama.cpp,
// llama_vocab::impl::load, of BERT's own vocabularies.
constexpr uint32_t kUsualCls = 101;
constexpr uint32_t kUsualSep = 102;

// The first of the keys that there is. The engine knows a token that is none of the vocabulary's.
TokenId read_token(const Gguf& file, std::initializer_list<const char*> keys, uint32_t usual,
                   uint32_t vocabulary) {
  uint32_t id = usual;
  for (const char* key : keys) {
    if (!file.has(key)) continue;
    id = number_or(file, key, usual);
    break;
  }
  return id < vocabulary ? id : kTokenOfEngine;
}

// As llama.cpp frames a text where the file does not say, with tokens that it knows. WordPiece has
// [CLS] and [SEP] around a text whatever the file says.
// Source: llama.cpp, llama_vocab::impl::load, for the kinds of tokenizer.
Frame read_frame(const Gguf& file, std::string_view kind, uint32_t vocabulary) {
  const auto tokens = [](bool has_one) {
    return std::vector<TokenId>(has_one ? 1 : 0, kTokenOfEngine);
  };
  if (kind == "bert") {
    return {
        .before = {read_token(file, {"tokenizer.ggml.cls_token_id", "tokenizer.ggml.bos_token_id"},
                              kUsualCls, vocabulary)},
        .after = {read_token(file,
                             {"tokenizer.ggml.seperator_token_id", "tokenizer.ggml.eos_token_id"},
                             kUsualSep, vocabulary)}};
  }
  return {.before = tokens(flag_or(file, kAddBos, kind == "llama")),
          .after = tokens(flag_or(file, kAddEos, kind == "t5"))};
}

// What every file has. A key that is missing, or of another type, says nothing.
ModelSpec read_common(const Gguf& file) {
  ModelSpec spec;
  if (const std::string name = text_or_empty(file, "general.name"); !name.empty()) {
    spec.name = printable(name);
  }
  spec.architecture = text_or_empty(file, "general.architecture");
  spec.layers = number_or(file, spec.key("block_count"), 0);
  spec.width = number_or(file, spec.key("embedding_length"), 0);
  spec.context = number_or(file, spec.key("context_length"), 0);
  spec.heads = std::max(number_or(file, spec.key("attention.head_count"), 1), 1U);
  spec.kv_heads = number_or(file, spec.key("attention.head_count_kv"), spec.heads);
  spec.head_width = number_or(file, spec.key("attention.key_length"), spec.width / spec.heads);
  const auto tokens = file.array_size("tokenizer.ggml.tokens");
  spec.vocabulary = tokens && *tokens <= UINT32_MAX ? static_cast<uint32_t>(*tokens) : 0;
  spec.tokenizer = {.model = text_or_empty(file, "tokenizer.ggml.model"),
                    .pre = text_or_empty(file, "tokenizer.ggml.pre")};
  spec.frame = read_frame(file, spec.tokenizer.model, spec.vocabulary);
  return spec;
}

Result<std::optional<Pooling>> read_pooling(const Gguf& file, const std::string& key) {
  if (!file.has(key)) return std::nullopt;
  TRY_ASSIGN(const uint64_t number, file.unsigned_value(key));
  if (number <= kMostPooling) return static_cast<Pooling>(number);
  return conversion_fault(
      fmt::format("key '{}' is {} where 1 (mean), 2 (cls), 3 (last) or 4 (rank) was expected",
                  printable(key), number),
      key, kConvertAgain);
}

// Of those that encoders have positions for, a model may have been trained with fewer.
Result<std::optional<uint32_t>> read_max_tokens(const Gguf& file) {
  if (!file.has(kMaxTokensKey)) return std::nullopt;
  TRY_ASSIGN(const uint64_t tokens, file.unsigned_value(kMaxTokensKey));
  if (tokens > 0 && tokens <= UINT32_MAX) return static_cast<uint32_t>(tokens);
  return conversion_fault(
      fmt::format("key '{}' is {} where a number of tokens was expected", kMaxTokensKey, tokens),
      kMaxTokensKey, kConvertAgain);
}

// What is not said here is said elsewhere.
Result<ModelFacts> read_facts(const Gguf& file, const ModelSpec& spec) {
  ModelFacts facts{
      .source = FactSource::model_file, .prompts = {}, .pooling = {}, .min_dimensions = {}};
  TRY_ASSIGN(facts.prompts, read_prompts(file));
  TRY_ASSIGN(facts.pooling, read_pooling(file, spec.key(kPoolingKey)));
  TRY_ASSIGN(facts.max_tokens, read_max_tokens(file));
  return facts;
}

// What says that it is a reranker is the file, whatever is known of a model of that name.
void find_head(const Gguf& file, ModelSpec& spec) {
  if (!is_reranker(file, spec)) return;
  spec.head = Head::rank;
  if (!spec.pooling.is_known()) spec.pooling = {Pooling::rank, FactSource::model_file};
}

Status check_pooling(const ModelSpec& spec) {
  const std::string key = spec.key(kPoolingKey);
  const Fact<Pooling>& pooling = spec.pooling;
  if (!pooling.is_known()) {
    return conversion_fault(
        fmt::format("nobody says how a text becomes one vector: the file has no key '{}', and "
                    "neither the manifest nor the table of known models has the model '{}'",
                    printable(key), spec.name),
        key,
        "convert it again from a directory with modules.json and 1_Pooling/config.json, or give "
        "its SHA-256 and pooling in a manifest of your own (man runed-config)");
  }
  if (pooling.value == Pooling::none) {
    return conversion_fault(
        fmt::format("key '{}' is 0 (none): the model makes a vector of each token, not one of a "
                    "text",
                    printable(key)),
        key, "name an embedding model");
  }
  return {};
}

Status expect_true(const Gguf& file, std::string_view key) {
  if (!file.has(key))
    return conversion_fault(fmt::format("key '{}' is missing", key), key, kConvertAgain);
  TRY_ASSIGN(const bool is_true, file.bool_value(key));
  if (is_true) return {};
  return conversion_fault(fmt::format("key '{}' is false where true was expected", key), key,
                          kConvertAgain);
}

Status check_known(const ModelSpec& spec) {
  constexpr std::string_view kKey = "general.architecture";
  const auto refused = std::ranges::find(kRefused, spec.architecture, &Refused::architecture);
  if (refused == kRefused.end()) return {};
  return conversion_fault(fmt::format("key '{}' is '{}', which is not served: {}", kKey,
                                      refused->architecture, refused->why),
                          kKey, "name a model of another architecture");
}

// Its tokens see each other, and only the model's own configuration says so. A file that does not would
// be computed as if they did not.
Status check_gte_qwen2(const Gguf& file, const ModelSpec& spec) {
  const std::string key = spec.key("attention.causal");
  const bool is_gte = std::ranges::any_of(std::array{"gte", "Gte", "GTE"}, [&](const char* name) {
    return spec.name.find(name) != std::string::npos;
  });
  if (spec.architecture != "qwen2" || !is_gte || file.has(key)) return {};
  return conversion_fault(
      fmt::format("key '{}' is missing: the tokens of gte-Qwen2 see each other", key), key,
      kConvertAgain);
}

// Missing, it means causal to llama.cpp, whatever the architecture.
Status check_sees_all(const Gguf& file, const std::string& architecture) {
  const std::string key = architecture + ".attention.causal";
  if (!file.has(key))
    return conversion_fault(fmt::format("key '{}' is missing", key), key, kConvertAgain);
  TRY_ASSIGN(const bool is_causal, file.bool_value(key));
  if (!is_causal) return {};
  return conversion_fault(fmt::format("key '{}' is true where false was expected", key), key,
                          kConvertAgain);
}

// The pieces of WordPiece begin with one U+2581, or with none; those of Unigram, which some
// converters wrote as if they were the former, with a second one of their own.
Status check_word_pieces(const Gguf& file) {
  constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
  constexpr std::string_view kTwo = "\u2581\u2581";
  constexpr size_t kMostPercent = 10;  // Of a real WordPiece vocabulary it is one token at most.
  const auto tokens = file.string_array(kTokens);
  if (!tokens) return {};
  const auto doubled = static_cast<size_t>(
      std::ranges::count_if(*tokens, [](auto token) { return token.starts_with(kTwo); }));
  if (doubled * 100 <= tokens->size() * kMostPercent) return {};
  return conversion_fault(
      fmt::format("key 'tokenizer.ggml.model' is 'bert', but the pieces in '{}' are "
                  "those of another tokenizer",
                  kTokens),
      kTokens, kConvertAgain);
}

// Without scores any piece is as good as any other, and without the charsmap tabs and wide spaces are
// unknown. What begins with another token is not the vocabulary of XLM-R, which encoders have.
Status check_unigram(const Gguf& file, const std::string& architecture) {
  constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
  for (const std::string_view key :
       {"tokenizer.ggml.scores", "tokenizer.ggml.precompiled_charsmap"}) {
    const bool is_told = key.ends_with("charsmap") && file.has("runed.tokenizer.has_charsmap");
    if (file.has(key) || is_told) continue;
    return conversion_fault(fmt::format("key '{}' is missing", key), key, kConvertAgain);
  }
  const auto tokens = file.string_array(kTokens);
  if (architecture != "bert" || !tokens || tokens->empty() || tokens->front() == "<s>") return {};
  return conversion_fault(fmt::format("key '{}' begins with '{}' where '<s>' was expected", kTokens,
                                      printable(tokens->front())),
                          kTokens, kConvertAgain);
}

// llama.cpp frames texts of WordPiece always, others only where the file says so.
Status check_frame(const Gguf& file, const std::string& architecture) {
  const std::string tokenizer = text_or_empty(file, "tokenizer.ggml.model");
  if (tokenizer == "bert") return check_word_pieces(file);
  if (tokenizer == "t5") TRY(check_unigram(file, architecture));
  TRY(expect_true(file, kAddBos));
  return expect_true(file, kAddEos);
}

// The layers between pooling and the vector, which converters leave out unless they are told to.
Status check_dense(const Gguf& file, const std::string& architecture) {
  for (const char* layer : {"dense_2_feat_in", "dense_3_feat_in"}) {
    const std::string key = fmt::format("{}.{}", architecture, layer);
    if (file.has(key)) continue;
    return conversion_fault(
        fmt::format("key '{}' is missing: the file lacks the dense layers", key), key,
        "install another file, or convert the model with "
        "--sentence-transformers-dense-modules");
  }
  return {};
}

// The vector is that of the last token, so whether EOS is that decides all of it.
Status check_end(const Gguf& file) {
  if (file.has(kAddEos)) return {};
  return conversion_fault(fmt::format("key '{}' is missing", kAddEos), kAddEos, kConvertAgain);
}

// Of BERT 1e-12, of RoBERTa and its like 1e-5. A file without the key llama.cpp does not load.
Status check_norm_epsilon(const Gguf& file, const std::string& architecture) {
  constexpr double kMost = 1e-4;
  const std::string key = architecture + ".attention.layer_norm_epsilon";
  if (!file.has(key)) return {};
  TRY_ASSIGN(const double epsilon, file.float_value(key));
  if (epsilon > 0 && epsilon <= kMost) return {};
  return conversion_fault(
      fmt::format("key '{}' is {} where a number from 0 to {} was expected", key, epsilon, kMost),
      key, kConvertAgain);
}

// Whether or not the architecture has a row: what is wrong here is wrong for every engine.
Status check_complete(const Gguf& file, const ModelSpec& spec) {
  const std::string& architecture = spec.architecture;
  TRY(check_gte_qwen2(file, spec));
  if (architecture == kGemmaEmbedding) {
    TRY(check_dense(file, architecture));
    return check_frame(file, architecture);
  }
  if (std::ranges::find(kEncoders, architecture) != kEncoders.end()) {
    TRY(check_sees_all(file, architecture));
    TRY(check_norm_epsilon(file, architecture));
    return check_frame(file, architecture);
  }
  return spec.pooling.value == Pooling::last ? check_end(file) : Status();
}

}  // namespace

Result<ModelSpec> recognise_model(const Gguf& file, std::string_view sha256,
                                  std::span<const PublishedFacts> published) {
  ModelSpec spec = read_common(file);
  TRY_ASSIGN(ModelFacts of_file, read_facts(file, spec));
  std::vector<ModelFacts> places{std::move(of_file)};
  for (const PublishedFacts& entry : published) {
    if (is_about(entry, sha256, spec)) places.push_back(entry.facts);
  }
  take_facts(places, spec);
  find_head(file, spec);
  if (const KnownModel* known = find_known_model(spec)) {
    const ModelFacts facts = facts_of(*known);
    take_facts({&facts, 1}, spec);
  }
  TRY(check_tensors(file, spec));
  TRY(check_known(spec));
  TRY(check_pooling(spec));
  TRY(check_complete(file, spec));
  if (const Architecture* row = find_architecture(spec.architecture)) {
    TRY(row->read_spec(SpecReader(file, spec), spec));
  }
  if (spec.head == Head::rank) TRY(read_rank_head(file, spec));
  return spec;
}

}  // namespace runed::embed
