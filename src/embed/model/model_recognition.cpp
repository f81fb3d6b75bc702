// What a file does not say, llama.cpp fills in by a default, and the vectors look like any others.
// Each of these defaults is named here, with the models that it is wrong for.
#include "embed/model/model_recognition.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "embed/model/model_header.hpp"

namespace runed::embed {
namespace {

constexpr std::string_view kAddBos = "tokenizer.ggml.add_bos_token";
constexpr std::string_view kAddEos = "tokenizer.ggml.add_eos_token";
constexpr const char* kConvertAgain =
    "the file was converted before this was known, or wrongly: convert the model again, or install "
    "another file";

// Architectures in which each token sees all others, and a text is framed by two special tokens.
// Source: llama.cpp's conversion/bert.py and llama-arch.cpp.
constexpr std::array<std::string_view, 8> kEncoders{
    "bert",         "nomic-bert",  "nomic-bert-moe", "jina-bert-v2",
    "jina-bert-v3", "modern-bert", "neo-bert",       "eurobert"};
constexpr std::string_view kGemmaEmbedding = "gemma-embedding";  // Never causal in llama.cpp.

bool is_about(const PublishedFacts& entry, std::string_view sha256,
              const ModelSignature& signature) {
  return entry.sha256 == sha256 &&
         (entry.architecture.empty() || entry.architecture == signature.architecture) &&
         (entry.width == 0 || entry.width == signature.width);
}

Error refusal(std::string message, std::string_view key, std::string_view hint) {
  return make_error(ErrorCode::model_unsupported, "{}", message)
      .with_hint(std::string(hint))
      .with_detail(kConversionFault, std::string(key));
}

std::string text_or_empty(const Gguf& file, std::string_view key) {
  const auto found = file.string_value(key);
  return found ? std::string(*found) : std::string();
}

uint64_t number_or_zero(const Gguf& file, const std::string& key) {
  const auto found = file.unsigned_value(key);
  return found ? *found : 0;
}

std::string pooling_key(std::string_view architecture) {
  return fmt::format("{}.pooling_type", architecture);
}

Result<std::optional<Pooling>> read_pooling(const Gguf& file, std::string_view architecture) {
  const std::string key = pooling_key(architecture);
  if (!file.has(key)) return std::nullopt;
  TRY_ASSIGN(const uint64_t number, file.unsigned_value(key));
  if (number <= static_cast<uint64_t>(Pooling::rank)) return static_cast<Pooling>(number);
  return refusal(fmt::format("key '{}' is {} where 1 (mean), 2 (cls) or 3 (last) was expected",
                             printable(key), number),
                 key, kConvertAgain);
}

Status check_pooling(const ModelSignature& signature, const Fact<Pooling>& pooling) {
  const std::string key = pooling_key(signature.architecture);
  if (!pooling.is_known()) {
    return refusal(
        fmt::format("nobody says how a text becomes one vector: the file has no key '{}', and "
                    "neither the manifest nor the table of known models has the model '{}'",
                    printable(key), signature.name.empty() ? "unnamed" : printable(signature.name)),
        key,
        "convert it again from a directory with modules.json and 1_Pooling/config.json, or give "
        "its SHA-256 and pooling in a manifest of your own (man runed-config)");
  }
  if (pooling.value == Pooling::none) {
    return refusal(
        fmt::format("key '{}' is 0 (none): the model makes a vector of each token, not one of a "
                    "text",
                    printable(key)),
        key, "name an embedding model");
  }
  if (pooling.value == Pooling::rank) {
    return refusal(fmt::format("key '{}' is 4 (rank): the model is a reranker, which gives a score "
                               "of two texts and no vector",
                               printable(key)),
                   key, "name an embedding model");
  }
  return {};
}

Status expect_true(const Gguf& file, std::string_view key) {
  if (!file.has(key)) return refusal(fmt::format("key '{}' is missing", key), key, kConvertAgain);
  TRY_ASSIGN(const bool is_true, file.bool_value(key));
  if (is_true) return {};
  return refusal(fmt::format("key '{}' is false where true was expected", key), key, kConvertAgain);
}

// Missing, it means causal to llama.cpp, whatever the architecture.
Status check_sees_all(const Gguf& file, const std::string& architecture) {
  const std::string key = architecture + ".attention.causal";
  if (!file.has(key)) return refusal(fmt::format("key '{}' is missing", key), key, kConvertAgain);
  TRY_ASSIGN(const bool is_causal, file.bool_value(key));
  if (!is_causal) return {};
  return refusal(fmt::format("key '{}' is true where false was expected", key), key, kConvertAgain);
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
  return refusal(fmt::format("key 'tokenizer.ggml.model' is 'bert', but the pieces in '{}' are "
                             "those of another tokenizer",
                             kTokens),
                 kTokens, kConvertAgain);
}

// llama.cpp frames texts of WordPiece always, others only where the file says so.
Status check_frame(const Gguf& file) {
  if (text_or_empty(file, "tokenizer.ggml.model") == "bert") return check_word_pieces(file);
  TRY(expect_true(file, kAddBos));
  return expect_true(file, kAddEos);
}

// The layers between pooling and the vector, which converters leave out unless they are told to.
Status check_dense(const Gguf& file, const std::string& architecture) {
  for (const char* layer : {"dense_2_feat_in", "dense_3_feat_in"}) {
    const std::string key = fmt::format("{}.{}", architecture, layer);
    if (file.has(key)) continue;
    return refusal(fmt::format("key '{}' is missing: the file lacks the dense layers", key), key,
                   "install another file, or convert the model with "
                   "--sentence-transformers-dense-modules");
  }
  return {};
}

// The vector is that of the last token, so whether EOS is that decides all of it. Of qwen3 it is
// known.
Status check_end(const Gguf& file, const std::string& architecture) {
  if (architecture == "qwen3") return expect_true(file, kAddEos);
  if (file.has(kAddEos)) return {};
  return refusal(fmt::format("key '{}' is missing", kAddEos), kAddEos, kConvertAgain);
}

Status check_complete(const Gguf& file, const std::string& architecture, Pooling pooling) {
  if (architecture == kGemmaEmbedding) {
    TRY(check_dense(file, architecture));
    return check_frame(file);
  }
  if (std::ranges::find(kEncoders, architecture) != kEncoders.end()) {
    TRY(check_sees_all(file, architecture));
    return check_frame(file);
  }
  return pooling == Pooling::last ? check_end(file, architecture) : Status();
}

}  // namespace

Result<ModelSignature> read_signature(const Gguf& file) {
  ModelSignature signature{.name = text_or_empty(file, "general.name"),
                           .architecture = text_or_empty(file, "general.architecture"),
                           .pooling = {}};
  signature.layers = number_or_zero(file, signature.architecture + ".block_count");
  signature.width = number_or_zero(file, signature.architecture + ".embedding_length");
  const auto tokens = file.array_size("tokenizer.ggml.tokens");
  signature.vocabulary = tokens ? *tokens : 0;
  TRY_ASSIGN(signature.pooling, read_pooling(file, signature.architecture));
  return signature;
}

// A directory of Hugging Face's would be the first of the places, with its own prompts.
Result<ModelCard> recognise_model(const Gguf& file, std::string_view sha256,
                                  std::span<const PublishedFacts> published) {
  TRY_ASSIGN(ModelSignature signature, read_signature(file));
  std::vector<ModelFacts> places{{.source = FactSource::model_file,
                                  .prompts = {},
                                  .pooling = signature.pooling,
                                  .min_dimensions = {}}};
  for (const PublishedFacts& entry : published) {
    if (is_about(entry, sha256, signature)) places.push_back(entry.facts);
  }
  const Fact<Pooling> said = make_model_card(places).pooling;
  if (said.is_known()) signature.pooling = said.value;
  if (const KnownModel* known = find_known_model(signature)) places.push_back(facts_of(*known));
  ModelCard card = make_model_card(places);
  TRY(check_pooling(signature, card.pooling));
  TRY(check_complete(file, signature.architecture, card.pooling.value));
  return card;
}

}  // namespace runed::embed
